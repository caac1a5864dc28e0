// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/schema_fields.h"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "bridge/source/kernel_text.h"

namespace kchan::source {
namespace {

constexpr size_t kMaxNames = 1024;  // of one field's values

// The size of one element; 0 for a kind that has none or is not known.
uint32_t ElementBytes(const hub::Field& field) {
  switch (field.kind) {
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
    case KCHAN_FIELD_STRUCT:
      return field.element_bytes;
    default:
      return 0;
  }
}

bool IsRest(const hub::Field& field) {
  return field.kind == KCHAN_FIELD_STRING_REST || field.kind == KCHAN_FIELD_BYTES_REST;
}

bool IsLoc(const hub::Field& field) {
  return field.kind == KCHAN_FIELD_STRING_LOC || field.kind == KCHAN_FIELD_BYTES_LOC;
}

// What is wrong with `field` in something of `size_bytes`; null if nothing is.
const char* WrongAlone(const hub::Field& field, uint32_t size_bytes) {
  if (field.name.empty()) return "has no name";
  if (uint64_t{field.offset} + field.size_bytes > size_bytes) return "is not inside its record";
  if (IsRest(field)) return field.size_bytes == 0 ? nullptr : "takes the rest, but has a size";
  if (field.size_bytes == 0) return "has no size";
  if (IsLoc(field) && field.size_bytes != sizeof(uint32_t)) return "is LOC, but not 4 bytes";
  if (field.kind == KCHAN_FIELD_STRUCT) {
    if (field.element_bytes == 0) return "is a structure without a size";
    if (field.members.empty()) return "is a structure without members";
  }
  const uint32_t element = ElementBytes(field);
  if (element != 0 && field.size_bytes % element != 0) return "is no whole number of its kind";
  return nullptr;
}

// `path` says what the fields are a part of, for messages.
absl::Status CheckLevel(const std::string& path, bool is_record,
                        const std::vector<hub::Field>& fields, uint32_t size_bytes) {
  std::set<std::string_view> names;
  for (const hub::Field& field : fields) {
    const std::string name = absl::StrCat(path, ".", field.name);
    const char* wrong = WrongAlone(field, size_bytes);
    if (wrong == nullptr && !names.insert(field.name).second) wrong = "is there twice";
    if (wrong == nullptr && IsRest(field) && !(is_record && &field == &fields.back())) {
      wrong = "takes the rest, but is not its record's last";
    }
    if (wrong != nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("schema: field ", name, " ", wrong));
    }
    if (field.kind != KCHAN_FIELD_STRUCT) continue;
    // No deeper than SchemaFields has read.
    if (absl::Status status =
            CheckLevel(name, /*is_record=*/false, field.members, field.element_bytes);
        !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status AddNamedValue(const netlink::AttributeView& nest, hub::Field* field) {
  if (field->names.size() == kMaxNames) {
    return absl::InvalidArgumentError("schema: a field has too many named values");
  }
  hub::NamedValue& named = field->names.emplace_back();
  return netlink::VisitAttributes(nest.payload(), [&](const netlink::AttributeView& attribute) {
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

}  // namespace

absl::Status SchemaFields::Add(const netlink::AttributeView& nest, int depth,
                               std::vector<hub::Field>* fields) {
  if (depth > KCHAN_MAX_STRUCT_DEPTH) {
    return absl::InvalidArgumentError("schema: structures inside each other are too deep");
  }
  if (left_ == 0) {
    return absl::InvalidArgumentError("schema: a record type has too many fields");
  }
  --left_;
  hub::Field field;
  const absl::Status status = netlink::VisitAttributes(
      nest.payload(), [&](const netlink::AttributeView& a) { return ReadField(a, depth, &field); });
  if (status.ok()) fields->push_back(std::move(field));
  return status;
}

absl::Status SchemaFields::ReadField(const netlink::AttributeView& attribute, int depth,
                                     hub::Field* field) {
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
    case KCHAN_FIELD_A_MEMBER:
      return Add(attribute, depth + 1, &field->members);
    case KCHAN_FIELD_A_ELEMENT_BYTES:
      return attribute.Get(&field->element_bytes);
    case KCHAN_FIELD_A_WRITABLE:
      field->writable = true;
      return absl::OkStatus();
    default:
      return absl::OkStatus();
  }
}

absl::Status CheckFields(const hub::RecordType& type) {
  return CheckLevel(type.name, /*is_record=*/true, type.fields, type.size_bytes);
}

}  // namespace kchan::source
