// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_SUBSCRIPTION_CHECKS_H_
#define KCHAN_BRIDGE_HUB_SUBSCRIPTION_CHECKS_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "bridge/hub/channel.h"
#include "bridge/hub/field_mask.h"
#include "bridge/hub/filter.h"
#include "bridge/hub/hub.h"
#include "bridge/hub/subscription_options.h"

// What a subscription asks for, held against what there is. Messages begin with
// the request's field.
namespace kchan::hub {

bool Selects(const Selection& selection, std::string_view name);

absl::Status CheckSelection(const Hub& hub, const Selection& selection, size_t index);

// Whether the channels that are selected now can be held against the filter.
absl::Status CheckFilter(const Hub& hub, const SubscriptionOptions& options, const Filter& filter);

// The same for the fields that it is to be given.
absl::Status CheckMask(const Hub& hub, const SubscriptionOptions& options, const FieldMask& mask);

// Whether a reader may hold the channel's log.
absl::Status CheckMayBlock(const Channel& channel);

// "selections[0].glob: "
std::string FieldName(size_t selection, std::string_view part);
// INVALID_ARGUMENT with the field in front.
absl::Status Prefixed(std::string_view field, const absl::Status& status);

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_SUBSCRIPTION_CHECKS_H_
