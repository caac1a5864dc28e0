// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_FRAME_TALLY_H_
#define KCHAN_BRIDGE_SOURCE_FRAME_TALLY_H_

#include <cstdint>
#include <optional>

#include "bridge/hub/log.h"
#include "bridge/source/frame_parser.h"

namespace kchan::source {

// Puts one stream of frames into a log, so that each number that the kernel
// side has used takes one there: what is missing between two frames is a loss.
//
// Thread safety: the source thread only.
class FrameTally {
 public:
  // What a loss is put down to; `cause` is a literal.
  struct Blame {
    hub::LossStage stage = hub::LossStage::kKernelRing;
    std::optional<uint32_t> cpu = std::nullopt;
    const char* cause = "";
  };

  // Numbers up to and including `sequence` are behind it.
  FrameTally(uint64_t sequence, const Blame& blame) : sequence_(sequence), blame_(blame) {}

  uint64_t sequence() const { return sequence_; }
  void set_blame(const Blame& blame) { blame_ = blame; }

  // A frame that comes twice, or late, changes nothing: its number is behind.
  void Take(const Frame& frame, hub::Log& log) {
    if (frame.sequence <= sequence_) return;
    if (frame.is_lost()) return Lose(frame.sequence, log);
    Lose(frame.sequence - 1, log);
    log.Append(frame.header, frame.payload);
    sequence_ = frame.sequence;
  }

  // Numbers up to and including `last` that have not come will not.
  void Lose(uint64_t last, hub::Log& log) {
    if (last <= sequence_) return;
    log.AppendLoss({.first_sequence = 0,
                    .count = last - sequence_,
                    .stage = blame_.stage,
                    .cpu = blame_.cpu,
                    .cause = blame_.cause});
    sequence_ = last;
  }

 private:
  uint64_t sequence_;  // the last number in the log
  Blame blame_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_FRAME_TALLY_H_
