// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_CHARDEV_SOURCE_H_
#define KCHAN_BRIDGE_SOURCE_CHARDEV_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "bridge/source/attached_file.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/frame_parser.h"
#include "bridge/source/frame_tally.h"
#include "bridge/source/record_source.h"
#include "bridge/source/turn_pace.h"
#include "bridge/source/unique_fd.h"

namespace kchan::source {

// Reads a CHARDEV channel: frames from an attached file, as many as fit in a
// read(). Where others read the channel too, what they took is lost to this
// log, and counted.
class ChardevSource final : public RecordSource {
 public:
  // `file` does not block.
  static std::unique_ptr<RecordSource> Of(EventLoop& loop, AttachedFile file,
                                          const std::string& channel);

  // `fd` is the attached file, or one that reads and polls like it; numbers up
  // to `sequence` were read before.
  ChardevSource(EventLoop& loop, UniqueFd fd, const std::string& channel, uint64_t generation,
                uint64_t sequence);

  uint64_t generation() const override { return generation_; }
  uint64_t next_sequence() const override { return tally_.sequence() + 1; }
  void Start(hub::Log& log, OnEnd on_end) override;
  void RingsAppeared() override {}
  // Nothing to do: the file itself ends behind its last record.
  void ChannelGone() override {}

 private:
  enum class Found : uint8_t { kMore, kNothing, kEnd };

  void Turn();
  absl::StatusOr<Found> ReadOnce();
  void End(absl::Status status);

  EventLoop& loop_;
  const UniqueFd fd_;
  const std::string channel_;
  const uint64_t generation_;
  FrameParser parser_;
  FrameTally tally_;
  TurnPace pace_;
  uint64_t turn_records_ = 0;
  hub::Log* log_ = nullptr;  // from Start() on
  OnEnd on_end_;
  Timer timer_;                     // of the next turn
  std::unique_ptr<FdWatch> watch_;  // goes before fd_
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_CHARDEV_SOURCE_H_
