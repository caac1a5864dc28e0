// SPDX-License-Identifier: Apache-2.0
// ParseSchema(): a channel's record types, as its module declared them.
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/netlink/netlink_attributes.h"
#include "bridge/source/kernel_messages.h"
#include "bridge/source/kernel_text.h"
#include "bridge/source/schema_fields.h"

namespace kchan::source {
namespace {

absl::Status CheckType(const hub::RecordType& type) {
  if (type.id == 0 || type.name.empty()) {
    return absl::InvalidArgumentError("schema: a record type has no id or no name");
  }
  if (type.size_bytes > KCHAN_MAX_RECORD_BYTES) {
    return absl::InvalidArgumentError(
        absl::StrCat("schema: record type ", type.name, " is larger than any record"));
  }
  return CheckFields(type);
}

absl::Status ReadType(const netlink::AttributeView& attribute, SchemaFields& fields,
                      hub::RecordType* type) {
  absl::Status status;
  uint16_t id = 0;
  uint32_t direction = 0;
  switch (attribute.type()) {
    case KCHAN_TYPE_A_ID:
      status = attribute.Get(&id);
      type->id = id;
      return status;
    case KCHAN_TYPE_A_NAME:
      return GetText(attribute, KCHAN_NAME_BYTES, &type->name);
    case KCHAN_TYPE_A_DOC:
      return GetText(attribute, KCHAN_DOC_BYTES, &type->documentation);
    case KCHAN_TYPE_A_DIRECTION:
      status = attribute.Get(&direction);
      type->direction = DirectionOf(direction);
      return status;
    case KCHAN_TYPE_A_SIZE:
      return attribute.Get(&type->size_bytes);
    case KCHAN_TYPE_A_FIELD:
      return fields.Add(attribute, &type->fields);
    default:
      return absl::OkStatus();
  }
}

absl::Status AddType(const netlink::AttributeView& nest, hub::Schema* schema) {
  if (schema->types.size() == KCHAN_MAX_TYPES) {
    return absl::InvalidArgumentError("schema: too many record types");
  }
  hub::RecordType type;
  SchemaFields fields;
  absl::Status status = netlink::VisitAttributes(
      nest.payload(), [&](const netlink::AttributeView& a) { return ReadType(a, fields, &type); });
  if (status.ok()) status = CheckType(type);
  if (!status.ok()) return status;
  for (const hub::RecordType& other : schema->types) {
    if (other.id != type.id) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("schema: record types ", other.name, " and ", type.name, " share an id"));
  }
  schema->types.push_back(std::move(type));
  return absl::OkStatus();
}

absl::Status ReadSchema(const netlink::AttributeView& attribute, hub::Schema* schema) {
  uint32_t order = 0;
  absl::Status status;
  switch (attribute.type()) {
    case KCHAN_SCHEMA_A_BYTE_ORDER:
      status = attribute.Get(&order);
      if (status.ok() && order != KCHAN_BYTE_ORDER_LITTLE && order != KCHAN_BYTE_ORDER_BIG) {
        return absl::InvalidArgumentError("schema: no such byte order");
      }
      schema->byte_order = static_cast<hub::ByteOrder>(order);
      return status;
    case KCHAN_SCHEMA_A_TYPE:
      return AddType(attribute, schema);
    default:
      return absl::OkStatus();
  }
}

}  // namespace

absl::StatusOr<hub::Schema> ParseSchema(std::span<const std::byte> attributes) {
  hub::Schema schema;
  bool found = false;
  const absl::Status status =
      netlink::VisitAttributes(attributes, [&](const netlink::AttributeView& attribute) {
        if (attribute.type() != KCHAN_A_SCHEMA) return absl::OkStatus();
        found = true;
        return netlink::VisitAttributes(attribute.payload(), [&](const netlink::AttributeView& a) {
          return ReadSchema(a, &schema);
        });
      });
  if (!status.ok()) return status;
  if (!found || schema.byte_order == hub::ByteOrder::kUnspecified) {
    return absl::InvalidArgumentError("schema: missing, or without a byte order");
  }
  schema.id = hub::SchemaId(schema);
  return schema;
}

}  // namespace kchan::source
