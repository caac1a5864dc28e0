// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_KMSG_SOURCE_H_
#define KCHAN_BRIDGE_SOURCE_KMSG_SOURCE_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/kmsg_record.h"
#include "bridge/source/record_source.h"
#include "bridge/source/unique_fd.h"

namespace kchan::source {

// Reads the kernel log from its oldest record on, and then as it grows. A
// record's number is the kernel's own plus one; so every daemon gives it the
// same, and what the kernel overwrote before it was read is a gap, exactly
// counted.
//
// Thread safety: the source thread only.
class KmsgSource final : public RecordSource {
 public:
  // `file`: /dev/kmsg, opened to read and not to block. `next` is the number of
  // the first record that is not in the log yet, 0 if none ever was; kept up to
  // date, and outlives the source.
  static absl::StatusOr<std::unique_ptr<KmsgSource>> Create(EventLoop& loop, UniqueFd file,
                                                            uint64_t& next);

  uint64_t generation() const override { return 1; }
  uint64_t next_sequence() const override { return next_; }
  bool has_history() const override { return true; }
  void WhenCaughtUp(std::function<void()> told) override { caught_up_ = std::move(told); }
  void Start(hub::Log& log, OnEnd on_end) override;
  void RingsAppeared() override {}
  void ChannelGone() override {}

 private:
  // What one read() gave.
  enum class Got : uint8_t { kRecord, kNothing, kUnreadable, kError };

  KmsgSource(EventLoop& loop, UniqueFd file, uint64_t& next);

  void Turn();
  Got ReadOne();
  void Take(const KmsgRecord& record);
  void Lose(uint64_t count);

  const UniqueFd file_;
  uint64_t& next_;
  std::unique_ptr<FdWatch> watch_;
  Timer timer_;
  // The kernel's longest is 8 KiB; it gives a record whole or not at all.
  std::array<char, 16 << 10> buffer_;
  std::optional<KmsgRecord> record_;  // of kRecord; views into buffer_
  int error_ = 0;                     // of kError
  uint64_t unreadable_ = 0;           // records that came but made no sense, not told yet
  uint64_t suspended_ns_ = 0;         // boottime less the kernel log's time
  hub::Log* log_ = nullptr;           // from Start() on
  OnEnd on_end_;
  std::function<void()> caught_up_;  // empty: told
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_KMSG_SOURCE_H_
