// SPDX-License-Identifier: Apache-2.0
#include "kchan/schema.h"

#include <set>
#include <utility>

#include "concat.h"
#include "field_kind.h"

namespace kchan {
namespace {

// The kernel side's own bounds are far lower (KCHAN_MAX_*); these only keep a
// hostile daemon from making us hold nonsense.
constexpr int kMaxTypes = 1024;
constexpr int kMaxFields = 4096;
constexpr uint32_t kMaxTypeBytes = 1 << 20;

}  // namespace

absl::StatusOr<Field> Field::Make(const v1::Field& proto, bool big_endian, uint32_t type_bytes) {
  const auto wrong = [&](std::string_view what) {
    return absl::InvalidArgumentError(Concat("field '", proto.name(), "' ", what));
  };
  if (proto.name().empty()) return wrong("has no name");
  if (proto.size_bytes() == 0) return wrong("has no bytes");
  if (proto.offset() > type_bytes || proto.size_bytes() > type_bytes - proto.offset()) {
    return wrong(Concat("leaves its type of ", type_bytes, " bytes"));
  }
  Field field;
  field.proto_ = &proto;
  field.big_endian_ = big_endian;
  field.signed_ = IsSigned(proto.kind());
  field.element_bytes_ = IntegerBytes(proto.kind());
  if (field.element_bytes_ != 0) {
    if (proto.size_bytes() % field.element_bytes_ != 0) return wrong("is not whole elements");
    field.element_count_ = proto.size_bytes() / field.element_bytes_;
  }
  if (IsLoc(proto.kind()) && proto.size_bytes() != kLocBytes) return wrong("is LOC, not 4 bytes");
  return field;
}

bool Field::is_string() const {
  return kind() == v1::FIELD_KIND_STRING || kind() == v1::FIELD_KIND_STRING_LOC;
}

std::optional<uint64_t> Field::Unsigned(std::string_view payload, size_t index) const {
  if (index >= element_count_ || element_bytes_ == 0) return std::nullopt;
  const size_t offset = proto_->offset() + index * element_bytes_;
  if (offset + element_bytes_ > payload.size()) return std::nullopt;
  uint64_t value = 0;
  for (uint32_t i = 0; i < element_bytes_; ++i) {
    const uint32_t shift = 8 * (big_endian_ ? element_bytes_ - 1 - i : i);
    value |= static_cast<uint64_t>(static_cast<uint8_t>(payload[offset + i])) << shift;
  }
  if (signed_ && element_bytes_ < 8) {
    const uint64_t sign = uint64_t{1} << (8 * element_bytes_ - 1);
    value = (value ^ sign) - sign;
  }
  return value;
}

std::optional<int64_t> Field::Signed(std::string_view payload, size_t index) const {
  const std::optional<uint64_t> value = Unsigned(payload, index);
  if (!value) return std::nullopt;
  return static_cast<int64_t>(*value);
}

std::optional<std::string_view> Field::LocBytes(std::string_view payload) const {
  uint32_t loc = 0;
  for (uint32_t i = 0; i < kLocBytes; ++i) {
    const uint32_t shift = 8 * (big_endian_ ? kLocBytes - 1 - i : i);
    loc |= static_cast<uint32_t>(static_cast<uint8_t>(payload[proto_->offset() + i])) << shift;
  }
  const uint32_t offset = loc & 0xffff;
  const uint32_t size = loc >> 16;
  if (offset > payload.size() || size > payload.size() - offset) return std::nullopt;
  return payload.substr(offset, size);
}

std::optional<std::string_view> Field::Bytes(std::string_view payload) const {
  if (proto_->offset() > payload.size() ||
      proto_->size_bytes() > payload.size() - proto_->offset()) {
    return std::nullopt;
  }
  std::optional<std::string_view> bytes =
      IsLoc(kind()) ? LocBytes(payload) : payload.substr(proto_->offset(), proto_->size_bytes());
  if (bytes && is_string()) bytes = bytes->substr(0, bytes->find('\0'));
  return bytes;
}

std::string_view Field::NameOf(uint64_t value) const {
  for (const v1::NamedValue& named : proto_->names()) {
    if (named.value() == value) return named.name();
  }
  return {};
}

const Field* RecordType::FindField(std::string_view name) const {
  for (const Field& field : fields_) {
    if (field.name() == name) return &field;
  }
  return nullptr;
}

absl::StatusOr<std::shared_ptr<const Schema>> Schema::Make(v1::Schema proto) {
  const auto schema = std::shared_ptr<Schema>(new Schema(std::move(proto)));
  if (schema->proto_.types_size() > kMaxTypes) {
    return absl::InvalidArgumentError(Concat("schema has more than ", kMaxTypes, " types"));
  }
  if (schema->proto_.byte_order() == v1::BYTE_ORDER_UNSPECIFIED) {
    return absl::InvalidArgumentError("schema has no byte order");
  }
  std::set<uint32_t> ids;
  for (const v1::RecordType& type_proto : schema->proto_.types()) {
    const auto wrong = [&](std::string_view what) {
      return absl::InvalidArgumentError(
          Concat("schema, type ", type_proto.id(), " '", type_proto.name(), "': ", what));
    };
    if (!ids.insert(type_proto.id()).second) return wrong("its number is taken");
    if (type_proto.size_bytes() > kMaxTypeBytes) return wrong("it is too large");
    if (type_proto.fields_size() > kMaxFields) return wrong("it has too many fields");
    RecordType& type = schema->types_.emplace_back();
    type.proto_ = &type_proto;
    for (const v1::Field& field_proto : type_proto.fields()) {
      if (type.FindField(field_proto.name()) != nullptr) {
        return wrong(Concat("it has two fields '", field_proto.name(), "'"));
      }
      auto field = Field::Make(field_proto, schema->big_endian(), type_proto.size_bytes());
      if (!field.ok()) return wrong(std::string(field.status().message()));
      type.fields_.push_back(*std::move(field));
    }
  }
  return std::shared_ptr<const Schema>(schema);
}

const RecordType* Schema::FindType(uint32_t id) const {
  for (const RecordType& type : types_) {
    if (type.id() == id) return &type;
  }
  return nullptr;
}

const RecordType* Schema::FindType(std::string_view name) const {
  for (const RecordType& type : types_) {
    if (type.name() == name) return &type;
  }
  return nullptr;
}

}  // namespace kchan
