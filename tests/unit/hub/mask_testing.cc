// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/hub/mask_testing.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "bridge/hub/field_kind.h"
#include "bridge/hub/schema_lookup.h"

namespace kchan::hub::testing {
namespace {

std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex += kDigits[static_cast<uint8_t>(c) >> 4];
    hex += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return hex;
}

class Decoder {
 public:
  Decoder(std::string_view payload, bool is_big_endian)
      : payload_(payload), is_big_endian_(is_big_endian) {}

  void Fields(const std::vector<Field>& fields, size_t base, const std::string& prefix) {
    for (const Field& field : fields) One(field, base + field.offset, prefix + field.name);
  }

  std::map<std::string, std::string> values;

 private:
  void One(const Field& field, size_t at, const std::string& path) {
    const auto kind = static_cast<FieldKind>(field.kind);
    if (IsRest(kind)) {
      if (at <= payload_.size()) Add(path, kind, payload_.substr(at));
    } else if (IsLoc(kind)) {
      Loc(kind, at, path);
    } else if (kind == FieldKind::kStruct) {
      if (field.element_bytes == 0) return;
      for (uint32_t i = 0; (i + 1) * field.element_bytes <= field.size_bytes; ++i) {
        Fields(field.members, at + i * field.element_bytes, path + "[" + std::to_string(i) + "].");
      }
    } else {
      const uint32_t bytes = IntegerBytes(kind) == 0 ? field.size_bytes : IntegerBytes(kind);
      for (uint32_t done = 0; bytes != 0 && done + bytes <= field.size_bytes; done += bytes) {
        if (at + done + bytes > payload_.size()) return;
        const bool is_array = bytes != field.size_bytes;
        Add(is_array ? path + "[" + std::to_string(done / bytes) + "]" : path, kind,
            payload_.substr(at + done, bytes));
      }
    }
  }

  void Loc(FieldKind kind, size_t at, const std::string& path) {
    if (at + 4 > payload_.size()) return;
    uint32_t loc = 0;
    for (size_t i = 0; i < 4; ++i) {
      const size_t place = is_big_endian_ ? at + i : at + 3 - i;
      loc = loc << 8 | static_cast<uint8_t>(payload_[place]);
    }
    const size_t begin = loc & 0xffff;
    const size_t size = loc >> 16;
    if (begin + size <= payload_.size()) Add(path, kind, payload_.substr(begin, size));
  }

  void Add(const std::string& path, FieldKind kind, std::string_view bytes) {
    values[path] = Hex(IsString(kind) ? bytes.substr(0, bytes.find('\0')) : bytes);
  }

  const std::string_view payload_;
  const bool is_big_endian_;
};

bool IsOfVariableLength(const std::vector<Field>& fields, const std::string& path) {
  const std::string name = path.substr(0, path.find_first_of("[."));
  const Field* field = FindField(fields, name);
  if (field == nullptr) return false;
  const auto kind = static_cast<FieldKind>(field->kind);
  if (kind != FieldKind::kStruct) return IsLoc(kind) || IsRest(kind);
  return IsOfVariableLength(field->members, path.substr(path.find("].") + 2));
}

std::string LayoutText(const std::vector<Field>& fields) {
  std::string text;
  for (const Field& field : fields) {
    if (!text.empty()) text += ", ";
    text +=
        field.name + " " + std::to_string(field.offset) + "+" + std::to_string(field.size_bytes);
    if (field.element_bytes != 0) text += " of " + std::to_string(field.element_bytes);
    if (!field.members.empty()) text += " (" + LayoutText(field.members) + ")";
  }
  return text;
}

}  // namespace

std::map<std::string, std::string> Decoded(const Schema& schema, const RecordType& type,
                                           std::string_view payload) {
  Decoder decoder(payload, schema.byte_order == ByteOrder::kBig);
  decoder.Fields(type.fields, 0, "");
  return std::move(decoder.values);
}

bool SaysTheSame(const Schema& whole, const CompiledMask& mask, uint32_t type,
                 std::string_view payload) {
  const RecordType& before = *whole.FindType(type);
  const RecordType& after = *mask.schema->FindType(type);
  // The whole payload, of which the fields that are left are looked at.
  RecordType left = before;
  const auto keep = [](auto&& self, std::vector<Field>& fields,
                       const std::vector<Field>& kept) -> void {
    std::erase_if(fields, [&](const Field& f) { return FindField(kept, f.name) == nullptr; });
    for (Field& field : fields) self(self, field.members, FindField(kept, field.name)->members);
  };
  keep(keep, left.fields, after.fields);
  auto expected = Decoded(whole, left, payload);
  auto found = Decoded(*mask.schema, after, Cut(mask, type, payload));
  if (payload.size() < before.size_bytes) {
    const auto varies = [&](const auto& each) {
      return IsOfVariableLength(after.fields, each.first);
    };
    std::erase_if(expected, varies);
    std::erase_if(found, varies);
  }
  return expected == found;
}

std::string Cut(const CompiledMask& mask, uint32_t type, std::string_view payload) {
  MaskedForm form(mask.program);
  return std::string(form.Of(type, payload).bytes);
}

std::string LayoutText(const RecordType& type) {
  return std::to_string(type.size_bytes) + ": " + LayoutText(type.fields);
}

}  // namespace kchan::hub::testing
