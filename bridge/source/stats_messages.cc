// SPDX-License-Identifier: Apache-2.0
// KCHAN_CMD_STATS_GET's answer.
#include "absl/strings/str_cat.h"
#include "bridge/netlink/netlink_attributes.h"
#include "bridge/source/kernel_messages.h"

namespace kchan::source {
namespace {

absl::Status ReadRing(const netlink::AttributeView& attribute, RingStatsMessage* ring) {
  switch (attribute.type()) {
    case KCHAN_STATS_A_CPU:
      return attribute.Get(&ring->cpu);
    case KCHAN_STATS_A_RECORDS:
      return attribute.Get(&ring->records);
    case KCHAN_STATS_A_LOST:
      return attribute.Get(&ring->lost);
    case KCHAN_STATS_A_READ_SEQUENCE:
      return attribute.Get(&ring->read_sequence);
    default:
      return absl::OkStatus();
  }
}

}  // namespace

absl::StatusOr<StatsMessage> ParseStats(std::span<const std::byte> attributes) {
  StatsMessage stats;
  const absl::Status status =
      netlink::VisitAttributes(attributes, [&](const netlink::AttributeView& attribute) {
        if (attribute.type() == KCHAN_A_GENERATION) return attribute.Get(&stats.generation);
        if (attribute.type() != KCHAN_A_RING_STATS) return absl::OkStatus();
        RingStatsMessage& ring = stats.rings.emplace_back();
        return netlink::VisitAttributes(attribute.payload(), [&](const netlink::AttributeView& a) {
          return ReadRing(a, &ring);
        });
      });
  if (!status.ok()) return status;
  return stats;
}

}  // namespace kchan::source
