// SPDX-License-Identifier: Apache-2.0
#include <span>

#include "address.h"
#include "concat.h"
#include "escape.h"
#include "field_kind.h"
#include "kchan/format.h"

namespace kchan {
namespace {

void AppendHexNumber(uint64_t value, std::string* out) {
  std::string digits;
  do {
    digits.insert(digits.begin(), "0123456789abcdef"[value & 0xf]);
    value >>= 4;
  } while (value != 0);
  *out += "0x" + digits;
}

void AppendFlags(const Field& field, uint64_t value, std::string* out) {
  const size_t start = out->size();
  for (const v1::NamedValue& named : field.proto().names()) {
    if (named.value() == 0 || (value & named.value()) != named.value()) continue;
    if (out->size() != start) *out += '|';
    AppendQuotedText(named.name(), out);
    value &= ~named.value();
  }
  if (value == 0 && out->size() != start) return;
  if (out->size() != start) *out += '|';
  AppendHexNumber(value, out);
}

// The bits of a narrow signed number must not show as 64 of them.
uint64_t Truncate(const Field& field, uint64_t value) {
  const uint32_t bytes = IntegerBytes(field.kind());
  return bytes == 8 ? value : value & ((uint64_t{1} << (8 * bytes)) - 1);
}

void AppendInteger(const Field& field, uint64_t value, std::string* out) {
  switch (field.display()) {
    case v1::FIELD_DISPLAY_HEX:
      AppendHexNumber(Truncate(field, value), out);
      return;
    case v1::FIELD_DISPLAY_FLAGS:
      AppendFlags(field, Truncate(field, value), out);
      return;
    case v1::FIELD_DISPLAY_ENUM:
      if (const std::string_view name = field.NameOf(value); !name.empty()) {
        AppendQuotedText(name, out);
        return;
      }
      break;
    default:
      break;
  }
  if (field.kind() == v1::FIELD_KIND_BOOL) {
    *out += value != 0 ? "true" : "false";
  } else if (field.is_signed()) {
    *out += Concat(static_cast<int64_t>(value));
  } else {
    *out += Concat(value);
  }
}

void AppendIntegers(const Field& field, std::string_view payload, size_t base, std::string* out) {
  if (field.element_count() != 1) *out += '[';
  for (size_t i = 0; i < field.element_count(); ++i) {
    if (i != 0) *out += ',';
    if (const auto value = field.Unsigned(payload, i, base)) {
      AppendInteger(field, *value, out);
    } else {
      *out += '?';
    }
  }
  if (field.element_count() != 1) *out += ']';
}

void AppendFields(std::span<const Field> fields, std::string_view payload, size_t base,
                  std::string* out);

void AppendStructs(const Field& field, std::string_view payload, size_t base, std::string* out) {
  if (field.element_count() != 1) *out += '[';
  for (size_t i = 0; i < field.element_count(); ++i) {
    if (i != 0) *out += ',';
    const size_t start = field.ElementBase(i, base);
    if (start < payload.size()) {
      *out += '{';
      AppendFields(field.members(), payload, start, out);
      *out += '}';
    } else {
      *out += '?';
    }
  }
  if (field.element_count() != 1) *out += ']';
}

void AppendValue(const Field& field, std::string_view payload, size_t base, std::string* out) {
  const auto bytes = field.Bytes(payload, base);
  const uint32_t address_bytes = AddressBytes(field.display());
  if (bytes && address_bytes != 0 && bytes->size() == address_bytes) {
    *out += AddressText(field.display(), *bytes);
  } else if (field.is_integer()) {
    AppendIntegers(field, payload, base, out);
  } else if (!bytes) {
    *out += '?';
  } else if (field.is_string()) {
    AppendQuotedText(*bytes, out);
  } else {
    *out += HexText(*bytes);
  }
}

void AppendAssignment(const Field& field, std::string_view payload, size_t base, std::string* out) {
  if (field.is_struct() && field.ElementBase(0, base) < payload.size()) {
    AppendStructs(field, payload, base, out);
    return;
  }
  *out += '=';
  AppendValue(field, payload, base, out);
}

void AppendFields(std::span<const Field> fields, std::string_view payload, size_t base,
                  std::string* out) {
  bool first = true;
  for (const Field& field : fields) {
    if (!first) *out += ' ';
    first = false;
    AppendQuotedText(field.name(), out);
    AppendAssignment(field, payload, base, out);
  }
}

}  // namespace

void AppendAssignmentText(const Field& field, std::string_view payload, std::string* out) {
  AppendAssignment(field, payload, /*base=*/0, out);
}

void AppendFieldsText(const RecordType& type, std::string_view payload, std::string* out) {
  AppendFields(type.fields(), payload, /*base=*/0, out);
}

}  // namespace kchan
