// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/subscription_checks.h"

#include <algorithm>
#include <memory>

#include "bridge/hub/subscription.h"
#include "bridge/text/concat.h"

namespace kchan::hub {

bool Selects(const Selection& selection, std::string_view name) {
  return selection.is_glob ? GlobMatches(selection.pattern, name) : selection.pattern == name;
}

std::string FieldName(size_t selection, std::string_view part) {
  return text::Concat("selections[", selection, "].", part, ": ");
}

absl::Status Prefixed(std::string_view field, const absl::Status& status) {
  return absl::InvalidArgumentError(text::Concat(field, std::string(status.message())));
}

absl::Status CheckSelection(const Hub& hub, const Selection& selection, size_t index) {
  if (!selection.is_glob) {
    const auto channel = hub.Find(selection.pattern);
    if (!channel) {
      return absl::NotFoundError(text::Concat(FieldName(index, "name"), "there is no channel \"",
                                              selection.pattern, "\""));
    }
    if (!channel->snapshot().description->has_records()) {
      return absl::FailedPreconditionError(
          text::Concat("channel \"", selection.pattern, "\" has no records"));
    }
    return absl::OkStatus();
  }
  if (absl::Status status = CheckGlob(selection.pattern); !status.ok()) {
    return Prefixed(FieldName(index, "glob"), status);
  }
  if (std::holds_alternative<StartAt>(selection.start) && !GlobIsLiteral(selection.pattern)) {
    return absl::InvalidArgumentError(text::Concat(
        FieldName(index, "start.cursor"), "a cursor belongs to one channel; select that alone"));
  }
  return absl::OkStatus();
}

namespace {

// Those of the channels that are selected now; none if one's is not known yet.
std::vector<std::shared_ptr<const Schema>> SelectedSchemas(const Hub& hub,
                                                           const SubscriptionOptions& options) {
  const auto& selections = options.selections;
  std::vector<std::shared_ptr<const Schema>> schemas;
  for (const std::shared_ptr<Channel>& channel : hub.List()) {
    const bool is_selected =
        channel->snapshot().description->has_records() &&
        (!options.is_offered || options.is_offered(channel->name())) &&
        std::any_of(selections.begin(), selections.end(),
                    [&](const Selection& each) { return Selects(each, channel->name()); });
    if (!is_selected) continue;
    // Its history may be of a schema before the current one.
    const auto known = channel->schemas();
    if (known.empty()) return {};
    schemas.insert(schemas.end(), known.begin(), known.end());
  }
  return schemas;
}

}  // namespace

absl::Status CheckFilter(const Hub& hub, const SubscriptionOptions& options, const Filter& filter) {
  return filter.Check(SelectedSchemas(hub, options));
}

absl::Status CheckMask(const Hub& hub, const SubscriptionOptions& options, const FieldMask& mask) {
  const auto resumes = [](const Selection& each) {
    return std::holds_alternative<StartAt>(each.start);
  };
  // A stream that goes on behind a change of the schema is told, not refused.
  if (std::any_of(options.selections.begin(), options.selections.end(), resumes)) {
    return absl::OkStatus();
  }
  return mask.Check(SelectedSchemas(hub, options));
}

absl::Status CheckMayBlock(const Channel& channel) {
  const auto refusal = [&](const auto&... why) {
    return absl::FailedPreconditionError(
        text::Concat("overflow_policy: channel ", channel.name(), ": ", why...));
  };
  const auto description = channel.snapshot().description;
  if (!description->can_wait()) {
    return refusal("its transport, ", description->transport, ", does not wait for a reader");
  }
  if (channel.log().may_be_held()) return absl::OkStatus();
  return refusal(
      "its owner does not allow readers that block it: set allow_block for it in kchand's "
      "configuration, or choose another policy");
}

}  // namespace kchan::hub
