// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_COMPONENT_FAKE_SOURCE_H_
#define KCHAN_TESTS_COMPONENT_FAKE_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "bridge/hub/hub.h"

namespace kchan::testing {

inline constexpr uint64_t kEpoch = 0x1234;

// The schema of every fake channel: type 1 "fact" comes from the kernel, type 2
// "command" goes to it and has 8 bytes.
std::shared_ptr<const hub::Schema> FakeSchema();

// One channel and what a source would do to it.
//
// Thread safety: one thread at a time.
class FakeSource {
 public:
  // A live channel, in kEpoch, with no records yet.
  FakeSource(hub::Hub& hub, const std::string& name);

  // A channel as its provider describes it.
  static std::shared_ptr<const hub::ChannelDescription> Describe(const std::string& name);

  // Appends records of `bytes` each and publishes them together.
  void Append(uint64_t records, size_t bytes = 64);
  void AppendLoss(uint64_t count, hub::LossStage stage);
  void StartEpoch(uint64_t epoch, uint64_t next_sequence = 1);

  hub::Channel& channel() { return *channel_; }
  hub::Log& log() { return channel_->log(); }

 private:
  const std::shared_ptr<hub::Channel> channel_;
  const std::string payload_;
};

}  // namespace kchan::testing

#endif  // KCHAN_TESTS_COMPONENT_FAKE_SOURCE_H_
