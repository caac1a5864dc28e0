// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/spec/byte_value.h"

#include <algorithm>
#include <vector>

#include "bridge/netlink/spec/byte_text.h"
#include "bridge/netlink/spec/integer_value.h"
#include "bridge/netlink/spec/reserved_keys.h"
#include "bridge/netlink/spec/suggest.h"
#include "bridge/text/concat.h"
#include "bridge/text/utf8.h"

namespace kchan::netlink {
namespace {

using google::protobuf::Value;
// The name is a spec's structure here.
using JsonObject = google::protobuf::Struct;

Value MemberValue(const StructMember& member, std::span<const std::byte> bytes) {
  const ValueFormat& format = member.format;
  if (member.nested != nullptr) return StructValue(*member.nested, bytes);
  if (format.type == ValueType::kString) return StringValue(bytes);
  if (format.type == ValueType::kBinary) return BinaryValue(format.hint, bytes);
  return IntegerValue(format, bytes.size(),
                      LoadInteger(bytes, IsSigned(format.type), format.byte_order));
}

absl::StatusOr<std::string> MemberBytes(const StructMember& member, const Value& value,
                                        const Path& path) {
  const ValueFormat& format = member.format;
  if (member.nested != nullptr) return StructOf(*member.nested, value, path);
  if (format.type == ValueType::kBinary) return BinaryOf(format.hint, value, path);
  if (format.type == ValueType::kString) {
    bool is_exact;
    return StringOf(value, path, &is_exact);
  }
  const auto bits = IntegerOf(format, member.size_bytes, {}, value, path);
  if (!bits.ok()) return bits.status();
  return StoreInteger(*bits, member.size_bytes, format.byte_order);
}

absl::Status NoSuchMember(const Struct& structure, std::string_view name, const Path& path) {
  std::vector<std::string_view> names;
  for (const StructMember& member : structure.members) {
    if (member.format.type != ValueType::kPad) names.push_back(member.name);
  }
  return path.Error(text::Concat("no such member of ", structure.name, ": ", Suggest(name, names)));
}

}  // namespace

Value StringValue(std::span<const std::byte> bytes) {
  std::string_view text = AsText(bytes);
  while (!text.empty() && text.back() == '\0') text.remove_suffix(1);
  Value value;
  if (text.find('\0') == std::string_view::npos && text::IsUtf8(text)) {
    value.set_string_value(std::string(text));
  } else {
    (*value.mutable_struct_value()->mutable_fields())[kBytesKey].set_string_value(
        HexText(AsText(bytes)));
  }
  return value;
}

absl::StatusOr<std::string> StringOf(const Value& value, const Path& path, bool* is_exact) {
  *is_exact = value.has_struct_value();
  if (value.kind_case() == Value::kStringValue) {
    const std::string& text = value.string_value();
    if (text.find('\0') == std::string::npos) return text;
    return path.Error("a string cannot hold a NUL");
  }
  if (value.has_struct_value()) {
    const auto& fields = value.struct_value().fields();
    const auto bytes = fields.find(kBytesKey);
    if (fields.size() == 1 && bytes != fields.end()) {
      const Path at(&path, kBytesKey);
      return BinaryOf(DisplayHint::kNone, bytes->second, at);
    }
  }
  return path.Error(text::Concat("must be a string, or {\"", kBytesKey, "\": \"0a00ff\"}"));
}

Value BinaryValue(DisplayHint hint, std::span<const std::byte> bytes) {
  Value value;
  value.set_string_value(BytesToText(hint, AsText(bytes)));
  return value;
}

absl::StatusOr<std::string> BinaryOf(DisplayHint hint, const Value& value, const Path& path) {
  if (value.kind_case() == Value::kStringValue) {
    if (auto bytes = TextToBytes(hint, value.string_value())) return *std::move(bytes);
  }
  return path.Error(text::Concat("must be ", WantedText(hint)));
}

void AddStruct(const Struct& structure, const AttributeSet* taken, std::span<const std::byte> bytes,
               JsonObject* fields) {
  for (const StructMember& member : structure.members) {
    if (size_t{member.offset} + member.size_bytes > bytes.size()) return;
    if (member.format.type == ValueType::kPad) continue;
    const bool is_taken = taken != nullptr && taken->Find(member.name) != nullptr;
    JsonObject* into =
        is_taken ? (*fields->mutable_fields())[kHeaderKey].mutable_struct_value() : fields;
    (*into->mutable_fields())[member.name] =
        MemberValue(member, bytes.subspan(member.offset, member.size_bytes));
  }
}

Value StructValue(const Struct& structure, std::span<const std::byte> bytes) {
  Value value;
  JsonObject* fields = value.mutable_struct_value();
  AddStruct(structure, /*taken=*/nullptr, bytes, fields);
  if (bytes.size() > structure.size_bytes) {
    (*fields->mutable_fields())[kRestKey].set_string_value(
        HexText(AsText(bytes.subspan(structure.size_bytes))));
  }
  return value;
}

absl::StatusOr<std::string> StructOf(const Struct& structure, const Value& value,
                                     const Path& path) {
  if (!value.has_struct_value()) {
    return path.Error(text::Concat("must be an object, of the members of ", structure.name));
  }
  std::string bytes(structure.size_bytes, '\0');
  std::string rest;
  for (const auto& [key, field] : value.struct_value().fields()) {
    const Path at(&path, key);
    if (key == kRestKey) {
      auto read = BinaryOf(DisplayHint::kNone, field, at);
      if (!read.ok()) return read.status();
      rest = *std::move(read);
      continue;
    }
    const StructMember* member = structure.Find(key);
    if (member == nullptr || member->format.type == ValueType::kPad) {
      return NoSuchMember(structure, key, at);
    }
    if (absl::Status status = StoreMember(*member, field, at, &bytes); !status.ok()) return status;
  }
  return bytes + rest;
}

absl::Status StoreMember(const StructMember& member, const Value& value, const Path& path,
                         std::string* bytes) {
  const absl::StatusOr<std::string> stored = MemberBytes(member, value, path);
  if (!stored.ok()) return stored.status();
  // Of a string, a shorter one is padded.
  const bool fits = member.format.type == ValueType::kString ? stored->size() <= member.size_bytes
                                                             : stored->size() == member.size_bytes;
  if (!fits) {
    return path.Error(
        text::Concat(stored->size(), " bytes, but ", member.name, " has ", member.size_bytes));
  }
  std::copy(stored->begin(), stored->end(), bytes->begin() + member.offset);
  return absl::OkStatus();
}

}  // namespace kchan::netlink
