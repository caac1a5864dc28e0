// SPDX-License-Identifier: Apache-2.0
// ParseSchema(): a channel's record types, as its module declared them.
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/source/kernel_messages.h"
#include "bridge/source/kernel_text.h"
#include "bridge/source/netlink_attributes.h"

namespace kchan::source {
namespace {

constexpr size_t kMaxNames = 1024;  // of one field's values

// The size of one element; 0 for a kind that is not known.
uint32_t ElementBytes(uint32_t kind) {
  switch (kind) {
    case KCHAN_FIELD_U8:
    case KCHAN_FIELD_S8:
    case KCHAN_FIELD_BOOL:
    case KCHAN_FIELD_STRING:
    case KCHAN_FIELD_BYTES:
      return 1;
    case KCHAN_FIELD_U16:
    case KCHAN_FIELD_S16:
      return 2;
    case KCHAN_FIELD_U32:
    case KCHAN_FIELD_S32:
    case KCHAN_FIELD_STRING_LOC:
    case KCHAN_FIELD_BYTES_LOC:
      return 4;
    case KCHAN_FIELD_U64:
    case KCHAN_FIELD_S64:
      return 8;
    default:
      return 0;
  }
}

absl::Status WrongField(const hub::RecordType& type, const hub::Field& field, const char* what) {
  return absl::InvalidArgumentError(
      absl::StrCat("schema: field ", type.name, ".", field.name, " ", what));
}

absl::Status CheckField(const hub::RecordType& type, const hub::Field& field) {
  if (field.name.empty()) return WrongField(type, field, "has no name");
  if (field.size_bytes == 0) return WrongField(type, field, "has no size");
  if (uint64_t{field.offset} + field.size_bytes > type.size_bytes) {
    return WrongField(type, field, "is not inside its record");
  }
  const uint32_t element = ElementBytes(field.kind);
  if (element != 0 && field.size_bytes % element != 0) {
    return WrongField(type, field, "is no whole number of its kind");
  }
  return absl::OkStatus();
}

absl::Status CheckType(const hub::RecordType& type) {
  if (type.id == 0 || type.name.empty()) {
    return absl::InvalidArgumentError("schema: a record type has no id or no name");
  }
  if (type.size_bytes > KCHAN_MAX_RECORD_BYTES) {
    return absl::InvalidArgumentError(
        absl::StrCat("schema: record type ", type.name, " is larger than any record"));
  }
  for (const hub::Field& field : type.fields) {
    if (absl::Status status = CheckField(type, field); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status AddNamedValue(const Attribute& nest, hub::Field* field) {
  if (field->names.size() == kMaxNames) {
    return absl::InvalidArgumentError("schema: a field has too many named values");
  }
  hub::NamedValue& named = field->names.emplace_back();
  return VisitAttributes(nest.payload(), [&](const Attribute& attribute) {
    switch (attribute.type()) {
      case KCHAN_NAME_A_VALUE:
        return attribute.Get(&named.value);
      case KCHAN_NAME_A_NAME:
        return GetText(attribute, KCHAN_NAME_BYTES, &named.name);
      default:
        return absl::OkStatus();
    }
  });
}

absl::Status ReadField(const Attribute& attribute, hub::Field* field) {
  switch (attribute.type()) {
    case KCHAN_FIELD_A_NAME:
      return GetText(attribute, KCHAN_NAME_BYTES, &field->name);
    case KCHAN_FIELD_A_KIND:
      return attribute.Get(&field->kind);
    case KCHAN_FIELD_A_DISPLAY:
      return attribute.Get(&field->display);
    case KCHAN_FIELD_A_OFFSET:
      return attribute.Get(&field->offset);
    case KCHAN_FIELD_A_SIZE:
      return attribute.Get(&field->size_bytes);
    case KCHAN_FIELD_A_UNIT:
      return GetText(attribute, KCHAN_UNIT_BYTES, &field->unit);
    case KCHAN_FIELD_A_DOC:
      return GetText(attribute, KCHAN_DOC_BYTES, &field->documentation);
    case KCHAN_FIELD_A_NAME_OF:
      return AddNamedValue(attribute, field);
    default:
      return absl::OkStatus();
  }
}

absl::Status AddField(const Attribute& nest, hub::RecordType* type) {
  if (type->fields.size() == KCHAN_MAX_FIELDS) {
    return absl::InvalidArgumentError("schema: a record type has too many fields");
  }
  hub::Field& field = type->fields.emplace_back();
  return VisitAttributes(nest.payload(), [&](const Attribute& a) { return ReadField(a, &field); });
}

absl::Status ReadType(const Attribute& attribute, hub::RecordType* type) {
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
      return AddField(attribute, type);
    default:
      return absl::OkStatus();
  }
}

absl::Status AddType(const Attribute& nest, hub::Schema* schema) {
  if (schema->types.size() == KCHAN_MAX_TYPES) {
    return absl::InvalidArgumentError("schema: too many record types");
  }
  hub::RecordType type;
  absl::Status status =
      VisitAttributes(nest.payload(), [&](const Attribute& a) { return ReadType(a, &type); });
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

absl::Status ReadSchema(const Attribute& attribute, hub::Schema* schema) {
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
  const absl::Status status = VisitAttributes(attributes, [&](const Attribute& attribute) {
    if (attribute.type() != KCHAN_A_SCHEMA) return absl::OkStatus();
    found = true;
    return VisitAttributes(attribute.payload(),
                           [&](const Attribute& a) { return ReadSchema(a, &schema); });
  });
  if (!status.ok()) return status;
  if (!found || schema.byte_order == hub::ByteOrder::kUnspecified) {
    return absl::InvalidArgumentError("schema: missing, or without a byte order");
  }
  schema.id = hub::SchemaId(schema);
  return schema;
}

}  // namespace kchan::source
