// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_HOST_SCHEMA_H_
#define KCHAN_BRIDGE_SOURCE_HOST_SCHEMA_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "bridge/hub/schema.h"

// Fields of records that this process makes, for schemas of host channels.
namespace kchan::source {

// `kind` is enum kchan_field_kind.
inline hub::Field HostField(std::string name, uint32_t kind, size_t offset, size_t bytes,
                            std::string documentation) {
  hub::Field field;
  field.name = std::move(name);
  field.kind = kind;
  field.offset = static_cast<uint32_t>(offset);
  field.size_bytes = static_cast<uint32_t>(bytes);
  field.documentation = std::move(documentation);
  return field;
}

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_HOST_SCHEMA_H_
