// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_ROOM_WATCH_H_
#define KCHAN_BRIDGE_SOURCE_ROOM_WATCH_H_

#include <cstddef>
#include <memory>
#include <utility>

#include "bridge/hub/log.h"
#include "bridge/hub/waiter.h"
#include "bridge/source/event_loop.h"

namespace kchan::source {

// How much a source may append to its log, and its call when there is room again.
//
// Thread safety: Notify() from any thread; the rest on the loop's.
//
// Lifetime: the loop and the log outlive it. The task is not called after it.
class RoomWatch final : public hub::Waiter {
 public:
  RoomWatch(EventLoop& loop, hub::Log& log, EventLoop::Task task)
      : loop_(loop), log_(log), task_(std::make_shared<EventLoop::Task>(std::move(task))) {}
  ~RoomWatch() override { log_.Disarm(this); }
  RoomWatch(const RoomWatch&) = delete;
  RoomWatch& operator=(const RoomWatch&) = delete;

  // As hub::Log::Room(); if it is 0, the task runs once when that has changed.
  size_t Get() {
    for (;;) {
      const size_t room = log_.Room();
      if (room != 0 || log_.WaitForRoom(this)) return room;
    }
  }

  void Notify() override {
    loop_.Post([weak = std::weak_ptr(task_)] {
      if (const auto task = weak.lock()) (*task)();
    });
  }

 private:
  EventLoop& loop_;
  hub::Log& log_;
  const std::shared_ptr<EventLoop::Task> task_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_ROOM_WATCH_H_
