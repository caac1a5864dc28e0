// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_LOG_SOURCE_H_
#define KCHAN_BRIDGE_SOURCE_LOG_SOURCE_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/frame_tally.h"
#include "bridge/source/kernel_control.h"
#include "bridge/source/record_source.h"
#include "bridge/source/unique_fd.h"

namespace kchan::source {

// Reads a LOG channel: its lines, out of all that are in the kernel log.
//
// Where the kernel log was overwritten before it was read, each of the
// channel's lines still has its number; what is missing at the end is found by
// asking for the last number used, once the log has run dry.
class LogSource final : public RecordSource {
 public:
  // Enables the channel, or asks once more how far it is.
  using Enable = std::function<absl::StatusOr<EnabledMessage>()>;

  // A channel that is enabled, and the kernel log from just before that on.
  struct Attachment {
    UniqueFd kmsg;
    Enable enable;
    EnabledMessage enabled;
  };

  // Blocks for as long as the provider takes. `kmsg_path` is where the kernel
  // log is read. Errors as open() and as KernelControl::Enable().
  static absl::StatusOr<Attachment> Enabled(uint16_t family, const std::string& channel,
                                            const std::string& kmsg_path);
  static std::unique_ptr<RecordSource> Of(EventLoop& loop, Attachment attachment,
                                          const std::string& channel) {
    return std::make_unique<LogSource>(loop, std::move(attachment.kmsg),
                                       std::move(attachment.enable), channel, attachment.enabled);
  }

  // `kmsg` gives one record of the kernel log at each read(), from where the
  // channel stood when `enabled` was said.
  LogSource(EventLoop& loop, UniqueFd kmsg, Enable enable, const std::string& channel,
            const EnabledMessage& enabled);

  uint64_t generation() const override { return generation_; }
  uint64_t next_sequence() const override { return tally_.sequence() + 1; }
  void Start(hub::Log& log, OnEnd on_end) override;
  void RingsAppeared() override {}
  // Its last lines are in the kernel log already.
  void ChannelGone() override;

 private:
  // What one read() gave.
  enum class Got : uint8_t { kRecord, kNothing, kError };

  void Turn();
  Got ReadOne();
  // The kernel log is dry.
  void Settle();
  void End(absl::Status status);

  EventLoop& loop_;
  const UniqueFd kmsg_;
  const Enable enable_;
  const std::string channel_;
  const uint64_t generation_;
  FrameTally tally_;
  bool overwritten_ = false;      // some of the kernel log, since it was dry
  std::optional<uint64_t> used_;  // the last number used, asked for after that
  bool gone_ = false;
  uint64_t suspended_ns_ = 0;
  // The kernel's longest is 8 KiB; it gives a record whole or not at all.
  std::array<char, 16 << 10> buffer_;
  hub::Log* log_ = nullptr;  // from Start() on
  OnEnd on_end_;
  Timer timer_;                     // of the next turn
  std::unique_ptr<FdWatch> watch_;  // goes before kmsg_
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_LOG_SOURCE_H_
