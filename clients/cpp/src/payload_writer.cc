// SPDX-License-Identifier: Apache-2.0
#include "payload_writer.h"

#include <algorithm>
#include <utility>

#include "address.h"
#include "concat.h"
#include "field_kind.h"
#include "field_number.h"

namespace kchan {
namespace {

// What LOC fields can point to, and below the kernel's bound.
constexpr size_t kMaxPayloadBytes = 65535;

std::string Names(std::span<const Field> fields) {
  std::string names;
  for (const Field& field : fields) names += Concat(names.empty() ? "" : ", ", field.name());
  return names;
}

absl::Status TooMany(const Field& field) {
  return absl::InvalidArgumentError(Concat("takes at most ", field.element_count(), " elements"));
}

}  // namespace

absl::Status PayloadWriter::WriteFields(std::span<const Field> fields,
                                        const google::protobuf::Struct& object,
                                        const Level& level) {
  for (const auto& [name, value] : object.fields()) {
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [&name = name](const Field& f) { return f.name() == name; });
    if (field == fields.end()) {
      return absl::InvalidArgumentError(Concat("type '", type_.name(), "' has no field '",
                                               level.path, name, "': it has ", Names(fields)));
    }
    if (value.has_null_value()) continue;
    if (absl::Status status = WriteField(*field, value, level); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status PayloadWriter::WriteField(const Field& field, const Value& value, const Level& level) {
  // Messages of structures name the member already.
  if (field.is_struct()) return WriteStructs(field, value, level);
  const absl::Status status = WriteValue(field, value, level.base);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      Concat("field '", level.path, field.name(), "' ", status.message()));
}

absl::Status PayloadWriter::WriteValue(const Field& field, const Value& value, size_t base) {
  if (AddressBytes(field.display()) != 0 &&
      AddressBytes(field.display()) == field.proto().size_bytes()) {
    return WriteAddress(field, value, base);
  }
  if (field.is_integer()) return WriteIntegers(field, value, base);
  return WriteBytes(field, value, base);
}

absl::Status PayloadWriter::WriteStructs(const Field& field, const Value& value,
                                         const Level& level) {
  const std::string path = level.path + field.name();
  const auto wrong = [&](std::string_view what) {
    return absl::InvalidArgumentError(Concat("field '", path, "' ", what));
  };
  if (field.element_count() == 1) {
    if (!value.has_struct_value()) return wrong("takes an object");
    return WriteFields(field.members(), value.struct_value(),
                       {.path = path + ".", .base = field.ElementBase(0, level.base)});
  }
  if (!value.has_list_value()) return wrong("takes an array of objects");
  const size_t count = value.list_value().values_size();
  if (count > field.element_count()) return wrong(std::string(TooMany(field).message()));
  for (size_t i = 0; i < count; ++i) {
    const Value& element = value.list_value().values(static_cast<int>(i));
    if (element.has_null_value()) continue;
    if (!element.has_struct_value()) return wrong("takes an array of objects");
    const absl::Status status =
        WriteFields(field.members(), element.struct_value(),
                    {.path = Concat(path, "[", i, "]."), .base = field.ElementBase(i, level.base)});
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status PayloadWriter::WriteAddress(const Field& field, const Value& value, size_t base) {
  const auto bytes = ParseAddress(field.display(), value.string_value());
  if (!bytes) return absl::InvalidArgumentError("is not an address of its kind");
  payload_.replace(base + field.proto().offset(), bytes->size(), *bytes);
  return absl::OkStatus();
}

void PayloadWriter::PutNumber(size_t offset, uint32_t size, uint64_t number) {
  for (uint32_t i = 0; i < size; ++i) {
    const uint32_t shift = 8 * (big_endian_ ? size - 1 - i : i);
    payload_[offset + i] = static_cast<char>(number >> shift);
  }
}

absl::Status PayloadWriter::WriteIntegers(const Field& field, const Value& value, size_t base) {
  const bool is_array = field.element_count() != 1;
  if (is_array && !value.has_list_value()) return absl::InvalidArgumentError("takes an array");
  const size_t count = is_array ? value.list_value().values_size() : 1;
  if (count > field.element_count()) return TooMany(field);
  const uint32_t size = IntegerBytes(field.kind());
  for (size_t i = 0; i < count; ++i) {
    const Value& element = is_array ? value.list_value().values(static_cast<int>(i)) : value;
    const auto number = NumberFromJson(field, element);
    if (!number.ok()) return number.status();
    PutNumber(base + field.proto().offset() + i * size, size, *number);
  }
  return absl::OkStatus();
}

absl::Status PayloadWriter::WriteBytes(const Field& field, const Value& value, size_t base) {
  if (!value.has_string_value()) return absl::InvalidArgumentError("takes a string");
  std::optional<std::string> bytes = value.string_value();
  if (!field.is_string()) bytes = ParseHex(*bytes);
  if (!bytes) return absl::InvalidArgumentError("takes hex digits, two for each byte");
  const size_t offset = base + field.proto().offset();
  if (IsLoc(field.kind())) {
    locs_.push_back({.offset = offset, .bytes = *std::move(bytes)});
  } else if (IsRest(field.kind())) {
    rest_ = std::move(bytes);
  } else if (bytes->size() > field.proto().size_bytes()) {
    return absl::InvalidArgumentError(
        Concat("holds ", field.proto().size_bytes(), " bytes, not ", bytes->size()));
  } else {
    payload_.replace(offset, bytes->size(), *bytes);
  }
  return absl::OkStatus();
}

absl::Status PayloadWriter::AppendRest() {
  if (type_.fields().empty() || !IsRest(type_.fields().back().kind())) return absl::OkStatus();
  const Field& rest = type_.fields().back();
  if (!rest_ && locs_.empty()) return absl::OkStatus();
  if (!locs_.empty() && !rest.is_string()) {
    // They would be a part of it.
    return absl::InvalidArgumentError(Concat("field '", rest.name(),
                                             "' takes the rest of the payload, so what other "
                                             "fields point to has no place"));
  }
  payload_.replace(rest.proto().offset(), rest_ ? rest_->size() : 0, rest_.value_or(""));
  payload_.resize(std::max<size_t>(payload_.size(), type_.proto().size_bytes()));
  // Ends it before them.
  if (!locs_.empty()) payload_ += '\0';
  return absl::OkStatus();
}

absl::StatusOr<std::string> PayloadWriter::Finish() && {
  size_t bytes = payload_.size() + (rest_ ? rest_->size() + 1 : 0);
  for (const Loc& loc : locs_) bytes += loc.bytes.size();
  if (bytes > kMaxPayloadBytes) {
    return absl::InvalidArgumentError(
        Concat("the payload would be longer than ", kMaxPayloadBytes, " bytes"));
  }
  if (absl::Status status = AppendRest(); !status.ok()) return status;
  for (const Loc& loc : locs_) {
    PutNumber(loc.offset, kLocBytes, loc.bytes.size() << 16 | payload_.size());
    payload_ += loc.bytes;
  }
  return std::move(payload_);
}

}  // namespace kchan
