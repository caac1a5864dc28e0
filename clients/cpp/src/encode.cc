// SPDX-License-Identifier: Apache-2.0
#include "kchan/encode.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <optional>

#include "address.h"
#include "concat.h"
#include "field_kind.h"
#include "field_number.h"

namespace kchan {
namespace {

using google::protobuf::Value;

// A payload's offsets are 16 bits wide, and the kernel's bound is the same.
constexpr size_t kMaxPayloadBytes = 65535;

// PayloadWriter puts JSON values in their places.
class PayloadWriter {
 public:
  PayloadWriter(const Schema& schema, const RecordType& type)
      : schema_(schema), payload_(type.proto().size_bytes(), '\0') {}

  absl::Status Write(const Field& field, const Value& value) {
    if (AddressBytes(field.display()) == field.proto().size_bytes()) {
      return WriteAddress(field, value);
    }
    if (field.is_integer()) return WriteIntegers(field, value);
    return WriteBytes(field, value);
  }

  std::string Take() && { return std::move(payload_); }

 private:
  absl::Status WriteAddress(const Field& field, const Value& value) {
    const auto bytes = ParseAddress(field.display(), value.string_value());
    if (!bytes) return absl::InvalidArgumentError("is not an address of its kind");
    payload_.replace(field.proto().offset(), bytes->size(), *bytes);
    return absl::OkStatus();
  }

  void PutNumber(size_t offset, uint32_t size, uint64_t number) {
    for (uint32_t i = 0; i < size; ++i) {
      const uint32_t shift = 8 * (schema_.big_endian() ? size - 1 - i : i);
      payload_[offset + i] = static_cast<char>(number >> shift);
    }
  }

  absl::Status WriteIntegers(const Field& field, const Value& value) {
    const bool is_array = field.element_count() != 1;
    if (is_array && !value.has_list_value()) return absl::InvalidArgumentError("takes an array");
    const size_t count = is_array ? value.list_value().values_size() : 1;
    if (count > field.element_count()) {
      return absl::InvalidArgumentError(
          Concat("takes at most ", field.element_count(), " elements"));
    }
    const uint32_t size = IntegerBytes(field.kind());
    for (size_t i = 0; i < count; ++i) {
      const auto number =
          NumberFromJson(field, is_array ? value.list_value().values(static_cast<int>(i)) : value);
      if (!number.ok()) return number.status();
      PutNumber(field.proto().offset() + i * size, size, *number);
    }
    return absl::OkStatus();
  }

  absl::Status WriteBytes(const Field& field, const Value& value) {
    if (!value.has_string_value()) return absl::InvalidArgumentError("takes a string");
    std::optional<std::string> bytes = value.string_value();
    if (!field.is_string()) bytes = ParseHex(*bytes);
    if (!bytes) return absl::InvalidArgumentError("takes hex digits, two for each byte");
    if (IsLoc(field.kind())) return AppendLoc(field, *bytes);
    if (bytes->size() > field.proto().size_bytes()) {
      return absl::InvalidArgumentError(
          Concat("holds ", field.proto().size_bytes(), " bytes, not ", bytes->size()));
    }
    payload_.replace(field.proto().offset(), bytes->size(), *bytes);
    return absl::OkStatus();
  }

  absl::Status AppendLoc(const Field& field, const std::string& bytes) {
    const size_t offset = payload_.size();
    if (offset + bytes.size() > kMaxPayloadBytes) {
      return absl::InvalidArgumentError(
          Concat("makes the payload longer than ", kMaxPayloadBytes, " bytes"));
    }
    PutNumber(field.proto().offset(), kLocBytes, bytes.size() << 16 | offset);
    payload_ += bytes;
    return absl::OkStatus();
  }

  const Schema& schema_;
  std::string payload_;
};

std::string FieldNames(const RecordType& type) {
  std::string names;
  for (const Field& field : type.fields()) {
    names += Concat(names.empty() ? "" : ", ", field.name());
  }
  return names;
}

}  // namespace

absl::StatusOr<std::string> EncodeJson(const Schema& schema, const RecordType& type,
                                       std::string_view json) {
  google::protobuf::Struct object;
  const auto parsed =
      google::protobuf::util::JsonStringToMessage({json.data(), json.size()}, &object);
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(Concat("not a JSON object: ", parsed.message()));
  }
  PayloadWriter writer(schema, type);
  for (const auto& [name, value] : object.fields()) {
    const Field* field = type.FindField(name);
    if (field == nullptr) {
      return absl::InvalidArgumentError(
          Concat("type '", type.name(), "' has no field '", name, "': it has ", FieldNames(type)));
    }
    if (value.has_null_value()) continue;
    if (absl::Status status = writer.Write(*field, value); !status.ok()) {
      return absl::InvalidArgumentError(Concat("field '", name, "' ", status.message()));
    }
  }
  return std::move(writer).Take();
}

}  // namespace kchan
