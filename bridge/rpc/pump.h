// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_PUMP_H_
#define KCHAN_BRIDGE_RPC_PUMP_H_

#include <atomic>
#include <chrono>
#include <ctime>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "bridge/hub/waiter.h"

namespace kchan::rpc {

// Gives streams their turns to start writes, one at a time; a task stays with
// its pump. Source threads only queue a task; the pump's thread runs queued
// tasks in order, so that streams which always have something to send get equal
// shares. A thread of gRPC's that has just finished a write may take the next
// turn itself. The pump also keeps the tasks' deadlines, and sleeps until the
// earliest: idle it costs nothing.
//
// Thread safety: any thread.
//
// Lifetime: outlives its tasks' use of it; Stop() joins the thread.
class Pump {
 public:
  using Clock = std::chrono::steady_clock;

  // Something that gets turns.
  //
  // Thread safety: Notify() and RunOrNotify() from any thread; the rest within a
  // turn.
  //
  // Lifetime: owned by shared_ptr; a queued task is kept alive. One that has a
  // deadline must clear it before its last owner lets go.
  class Task : public hub::Waiter, public std::enable_shared_from_this<Task> {
   public:
    explicit Task(Pump& pump) : pump_(pump) {}

    // Asks for a turn. Asking again before it comes changes nothing.
    void Notify() final;

    // A turn at once and in this thread, if no other task has one now; otherwise
    // Notify(). The caller holds no lock that a turn takes.
    void RunOrNotify();

   protected:
    // A turn: notified, or the deadline passed (which is then cleared).
    virtual void Run() = 0;

    // The node's wall clock was set. Called on those that have a deadline.
    virtual void ClockSet() {}

    void SetDeadline(Clock::time_point deadline);
    void ClearDeadline();
    bool has_deadline() const { return deadline_.has_value(); }

   private:
    friend class Pump;

    Pump& pump_;
    std::atomic<bool> queued_{false};
    std::optional<Clock::time_point> deadline_;
  };

  Pump();
  ~Pump();
  Pump(const Pump&) = delete;
  Pump& operator=(const Pump&) = delete;

  // Lets queued tasks have their turn, then ends the thread. Idempotent.
  void Stop();

 private:
  // File descriptor that closes itself.
  class Fd {
   public:
    explicit Fd(int fd) : fd_(fd) {}
    ~Fd();
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    int get() const { return fd_; }

   private:
    const int fd_;
  };

  void Enqueue(std::shared_ptr<Task> task);
  void Loop();
  void RunQueued(std::deque<std::shared_ptr<Task>> tasks);
  void RunExpired();
  // Of a turn that this thread takes; false: somebody else has one.
  bool TryRun(Task& task);
  std::optional<timespec> BeginSleep();
  void Sleep();
  void ArmClockWatch();
  void TellClockSet();

  const Fd wake_fd_;
  const Fd clock_fd_;  // readable with ECANCELED when the wall clock is set

  std::mutex mutex_;
  std::deque<std::shared_ptr<Task>> queue_;  // guarded by mutex_
  bool sleeping_ = false;                    // guarded by mutex_
  bool stopping_ = false;                    // guarded by mutex_

  std::mutex turn_;                                            // held during a turn; before mutex_
  std::set<std::pair<Clock::time_point, Task*>> deadlines_;    // guarded by turn_
  Clock::time_point sleeps_until_ = Clock::time_point::max();  // guarded by turn_

  std::thread thread_;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_PUMP_H_
