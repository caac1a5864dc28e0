// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/server_stats.h"

#include <algorithm>
#include <optional>
#include <variant>

#include "bridge/hub/boottime.h"
#include "bridge/hub/element.h"

namespace kchan::rpc {

void ServerStats::Opened(const hub::SubscriptionOptions& options) {
  ++subscriptions;
  const bool resumes = std::any_of(
      options.selections.begin(), options.selections.end(),
      [](const auto& selection) { return std::holds_alternative<hub::StartAt>(selection.start); });
  if (resumes) ++resumed_subscriptions;
}

void ServerStats::Sending(const hub::LogBatch& batch) {
  batch_bytes.Observe(static_cast<double>(batch.body_bytes));
  // Records of an earlier boot have that one's clock.
  if (batch.slices.empty() || batch.clock_offset_ns) return;
  const auto first = hub::ParseElement(batch.slices.front().bytes);
  const auto record = first ? hub::ParseRecord(*first) : std::nullopt;
  if (!record) return;
  const uint64_t now_ns = hub::BoottimeNow();
  const uint64_t age_ns = now_ns - std::min(now_ns, record->boottime_ns);
  batch_age_seconds.Observe(static_cast<double>(age_ns) * 1e-9);
}

}  // namespace kchan::rpc
