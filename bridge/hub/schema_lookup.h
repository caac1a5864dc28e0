// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_SCHEMA_LOOKUP_H_
#define KCHAN_BRIDGE_HUB_SCHEMA_LOOKUP_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bridge/hub/schema.h"

namespace kchan::hub {

// Null if there is none of this name.
const Field* FindField(std::span<const Field> fields, std::string_view name);

// The fields that records from the kernel have, for a message; not too many.
std::string FieldNames(const std::vector<std::shared_ptr<const Schema>>& schemas);

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_SCHEMA_LOOKUP_H_
