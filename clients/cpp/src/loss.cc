// SPDX-License-Identifier: Apache-2.0
#include "kchan/loss.h"

#include <vector>

#include "absl/strings/str_join.h"
#include "concat.h"

namespace kchan {

std::string_view LossStageText(v1::LossStage stage) {
  switch (stage) {
    case v1::LOSS_STAGE_KERNEL_RING:
      return "kernel ring";
    case v1::LOSS_STAGE_KERNEL_TRANSPORT:
      return "kernel transport";
    case v1::LOSS_STAGE_SOURCE:
      return "source";
    case v1::LOSS_STAGE_LOG_EVICTION:
      return "log eviction";
    case v1::LOSS_STAGE_SUBSCRIBER_POLICY:
      return "subscriber policy";
    case v1::LOSS_STAGE_RATE_LIMIT:
      return "rate limit";
    case v1::LOSS_STAGE_DAEMON_RESTART:
      return "daemon restart";
    case v1::LOSS_STAGE_SPOOL:
      return "spool";
    default:
      return "unknown stage";
  }
}

void LossCounter::Add(const LostView& lost) {
  if (lost.count == 0) {
    ++unknown_;
    return;
  }
  total_ += lost.count;
  by_stage_[lost.stage] += lost.count;
}

uint64_t LossCounter::at(v1::LossStage stage) const {
  const auto found = by_stage_.find(stage);
  return found == by_stage_.end() ? 0 : found->second;
}

std::string LossCounter::ToString() const {
  std::string text = Concat(total_, " lost");
  std::vector<std::string> parts;
  for (const auto& [stage, count] : by_stage_) {
    parts.push_back(Concat(count, " ", LossStageText(stage)));
  }
  if (!parts.empty()) text += Concat(" (", absl::StrJoin(parts, ", "), ")");
  if (unknown_ != 0) {
    text += Concat(", and an unknown number ", unknown_, unknown_ == 1 ? " time" : " times");
  }
  return text;
}

}  // namespace kchan
