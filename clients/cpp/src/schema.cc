// SPDX-License-Identifier: Apache-2.0
#include "kchan/schema.h"

#include <set>
#include <utility>

#include "concat.h"
#include "field_kind.h"
#include "schema_builder.h"

namespace kchan {
namespace {

// As in schema_builder.cc: far above the kernel side's own bound.
constexpr int kMaxTypes = 1024;

const Field* FindNamed(std::span<const Field> fields, std::string_view name) {
  for (const Field& field : fields) {
    if (field.name() == name) return &field;
  }
  return nullptr;
}

}  // namespace

bool Field::is_string() const {
  return kind() == v1::FIELD_KIND_STRING || kind() == v1::FIELD_KIND_STRING_LOC ||
         kind() == v1::FIELD_KIND_STRING_REST;
}

std::optional<uint64_t> Field::Unsigned(std::string_view payload, size_t index, size_t base) const {
  if (index >= element_count_ || integer_bytes_ == 0) return std::nullopt;
  const size_t offset = base + proto_->offset() + index * integer_bytes_;
  if (offset + integer_bytes_ > payload.size()) return std::nullopt;
  const uint64_t value = LoadInteger(payload.substr(offset, integer_bytes_), big_endian_);
  if (!signed_ || integer_bytes_ == 8) return value;
  const uint64_t sign = uint64_t{1} << (8 * integer_bytes_ - 1);
  return (value ^ sign) - sign;
}

std::optional<int64_t> Field::Signed(std::string_view payload, size_t index, size_t base) const {
  const std::optional<uint64_t> value = Unsigned(payload, index, base);
  if (!value) return std::nullopt;
  return static_cast<int64_t>(*value);
}

std::optional<std::string_view> Field::LocBytes(std::string_view payload, size_t offset) const {
  const uint64_t loc = LoadInteger(payload.substr(offset, kLocBytes), big_endian_);
  const size_t start = loc & 0xffff;
  const size_t size = loc >> 16;
  if (start > payload.size() || size > payload.size() - start) return std::nullopt;
  return payload.substr(start, size);
}

std::optional<std::string_view> Field::Bytes(std::string_view payload, size_t base) const {
  const size_t offset = base + proto_->offset();
  const size_t size = proto_->size_bytes();
  if (offset > payload.size() || size > payload.size() - offset) return std::nullopt;
  std::optional<std::string_view> bytes = IsLoc(kind())    ? LocBytes(payload, offset)
                                          : IsRest(kind()) ? payload.substr(offset)
                                                           : payload.substr(offset, size);
  if (bytes && is_string()) bytes = bytes->substr(0, bytes->find('\0'));
  return bytes;
}

std::string_view Field::NameOf(uint64_t value) const {
  for (const v1::NamedValue& named : proto_->names()) {
    if (named.value() == value) return named.name();
  }
  return {};
}

const Field* Field::FindMember(std::string_view name) const { return FindNamed(members_, name); }

const Field* RecordType::FindField(std::string_view name) const { return FindNamed(fields_, name); }

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
    const absl::Status built =
        SchemaBuilder::Build(type_proto, schema->big_endian(), &schema->types_.emplace_back());
    if (!built.ok()) return wrong(std::string(built.message()));
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
