// SPDX-License-Identifier: Apache-2.0
#include "schema_builder.h"

#include <set>
#include <string_view>
#include <utility>

#include "concat.h"
#include "field_kind.h"

namespace kchan {
namespace {

// The kernel side's own bounds are far lower (KCHAN_MAX_*); these only keep a
// hostile daemon from making us hold or show nonsense.
constexpr int kMaxFields = 4096;
constexpr uint32_t kMaxTypeBytes = 1 << 20;
constexpr uint64_t kMaxElements = 1 << 20;  // in one payload
// Each may show the whole payload again, so it counts as many.
constexpr uint64_t kElementsOfLoc = 256;
// Part of the API: kchan.v1.Field.members.
constexpr int kMaxDepth = 4;

// What is wrong with a field by itself; empty if nothing is.
std::string WrongAlone(const v1::Field& proto, uint32_t size_bytes, int depth) {
  if (proto.name().empty()) return "has no name";
  if (proto.offset() > size_bytes || proto.size_bytes() > size_bytes - proto.offset()) {
    return Concat("leaves its type of ", size_bytes, " bytes");
  }
  if (IsRest(proto.kind())) {
    if (depth != 0) return "takes the rest inside a structure";
    return proto.size_bytes() == 0 ? "" : "takes the rest, but has a size";
  }
  if (proto.size_bytes() == 0) return "has no bytes";
  if (IsLoc(proto.kind()) && proto.size_bytes() != kLocBytes) return "is LOC, not 4 bytes";
  if (proto.kind() == v1::FIELD_KIND_STRUCT) {
    if (depth == kMaxDepth) return "is a structure that is too deep in others";
    if (proto.members().empty()) return "is a structure without members";
    if (proto.element_bytes() == 0) return "is a structure without a size";
  }
  const uint32_t element_bytes = ElementBytes(proto);
  if (element_bytes != 0 && proto.size_bytes() % element_bytes != 0) return "is not whole elements";
  return {};
}

absl::Status Wrong(const std::string& path, std::string_view what) {
  return absl::InvalidArgumentError(Concat("field '", path, "' ", what));
}

}  // namespace

absl::Status SchemaBuilder::Build(const v1::RecordType& proto, bool big_endian, RecordType* type) {
  if (proto.size_bytes() > kMaxTypeBytes) return absl::InvalidArgumentError("it is too large");
  SchemaBuilder builder(big_endian);
  auto fields = builder.MakeFields(proto.fields(), {.path = {}, .size_bytes = proto.size_bytes()});
  if (!fields.ok()) return fields.status();
  type->proto_ = &proto;
  type->fields_ = *std::move(fields);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Field>> SchemaBuilder::MakeFields(const Protos& protos,
                                                             const Level& level) {
  if (protos.size() > kMaxFields - fields_) {
    return absl::InvalidArgumentError("it has too many fields");
  }
  fields_ += protos.size();
  std::vector<Field> fields;
  fields.reserve(protos.size());
  std::set<std::string_view> names;
  for (const v1::Field& proto : protos) {
    if (!names.insert(proto.name()).second) {
      return absl::InvalidArgumentError(
          Concat("it has two fields '", level.path, proto.name(), "'"));
    }
    if (IsRest(proto.kind()) && &proto != &protos[protos.size() - 1]) {
      return Wrong(level.path + proto.name(), "takes the rest, but is not the last");
    }
    auto field = MakeField(proto, level);
    if (!field.ok()) return field.status();
    fields.push_back(*std::move(field));
  }
  return fields;
}

absl::StatusOr<Field> SchemaBuilder::MakeField(const v1::Field& proto, const Level& level) {
  const std::string wrong = WrongAlone(proto, level.size_bytes, level.depth);
  if (!wrong.empty()) return Wrong(level.path + proto.name(), wrong);
  Field field;
  field.proto_ = &proto;
  field.big_endian_ = big_endian_;
  field.signed_ = IsSigned(proto.kind());
  field.integer_bytes_ = IntegerBytes(proto.kind());
  if (field.is_integer() || field.is_struct()) {
    field.element_count_ = proto.size_bytes() / ElementBytes(proto);
  }
  // Each factor is below 2^20, or was refused before.
  elements_ += level.times * (IsLoc(proto.kind()) ? kElementsOfLoc : field.element_count_);
  if (elements_ > kMaxElements) return Wrong(level.path + proto.name(), "is one too many");
  if (field.is_struct()) {
    if (absl::Status status = MakeMembers(level, &field); !status.ok()) return status;
  }
  return field;
}

absl::Status SchemaBuilder::MakeMembers(const Level& level, Field* field) {
  const v1::Field& proto = *field->proto_;
  auto members = MakeFields(proto.members(), {.path = Concat(level.path, proto.name(), "."),
                                              .size_bytes = proto.element_bytes(),
                                              .depth = level.depth + 1,
                                              .times = level.times * field->element_count_});
  if (!members.ok()) return members.status();
  field->members_ = *std::move(members);
  return absl::OkStatus();
}

}  // namespace kchan
