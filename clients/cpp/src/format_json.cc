// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <span>

#include "address.h"
#include "concat.h"
#include "escape.h"
#include "field_kind.h"
#include "kchan/format.h"

namespace kchan {
namespace {

// The last integer that a double holds with all its neighbours.
constexpr uint64_t kMaxExactNumber = uint64_t{1} << 53;

void AppendSignedNumber(int64_t value, std::string* out) {
  const auto magnitude =
      value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  *out += magnitude > kMaxExactNumber ? Concat('"', value, '"') : Concat(value);
}

void AppendFlagsJson(const Field& field, uint64_t value, std::string* out) {
  *out += '[';
  std::string_view separator;
  for (const v1::NamedValue& named : field.proto().names()) {
    if (named.value() == 0 || (value & named.value()) != named.value()) continue;
    *out += separator;
    AppendJsonString(named.name(), out);
    separator = ",";
    value &= ~named.value();
  }
  if (value != 0) {
    char rest[32];
    std::snprintf(rest, sizeof(rest), "\"0x%llx\"", static_cast<unsigned long long>(value));
    *out += separator;
    *out += rest;
  }
  *out += ']';
}

void AppendIntegerJson(const Field& field, uint64_t value, std::string* out) {
  const std::string_view name =
      field.display() == v1::FIELD_DISPLAY_ENUM ? field.NameOf(value) : std::string_view();
  if (!name.empty()) {
    AppendJsonString(name, out);
  } else if (field.display() == v1::FIELD_DISPLAY_FLAGS) {
    AppendFlagsJson(field, value, out);
  } else if (field.kind() == v1::FIELD_KIND_BOOL) {
    *out += value != 0 ? "true" : "false";
  } else if (field.is_signed()) {
    AppendSignedNumber(static_cast<int64_t>(value), out);
  } else {
    AppendJsonNumber(value, out);
  }
}

void AppendIntegersJson(const Field& field, std::string_view payload, size_t base,
                        std::string* out) {
  if (field.element_count() != 1) *out += '[';
  for (size_t i = 0; i < field.element_count(); ++i) {
    if (i != 0) *out += ',';
    if (const auto value = field.Unsigned(payload, i, base)) {
      AppendIntegerJson(field, *value, out);
    } else {
      *out += "null";
    }
  }
  if (field.element_count() != 1) *out += ']';
}

void AppendObject(std::span<const Field> fields, std::string_view payload, size_t base,
                  std::string* out);

void AppendStructsJson(const Field& field, std::string_view payload, size_t base,
                       std::string* out) {
  if (field.element_count() != 1) *out += '[';
  for (size_t i = 0; i < field.element_count(); ++i) {
    if (i != 0) *out += ',';
    const size_t start = field.ElementBase(i, base);
    if (start < payload.size()) {
      AppendObject(field.members(), payload, start, out);
    } else {
      *out += "null";
    }
  }
  if (field.element_count() != 1) *out += ']';
}

void AppendValueJson(const Field& field, std::string_view payload, size_t base, std::string* out) {
  const auto bytes = field.Bytes(payload, base);
  const uint32_t address_bytes = AddressBytes(field.display());
  if (field.is_struct()) {
    AppendStructsJson(field, payload, base, out);
  } else if (bytes && address_bytes != 0 && bytes->size() == address_bytes) {
    AppendJsonString(AddressText(field.display(), *bytes), out);
  } else if (field.is_integer()) {
    AppendIntegersJson(field, payload, base, out);
  } else if (!bytes) {
    *out += "null";
  } else if (field.is_string()) {
    AppendJsonString(*bytes, out);
  } else {
    AppendJsonString(HexText(*bytes), out);
  }
}

void AppendObject(std::span<const Field> fields, std::string_view payload, size_t base,
                  std::string* out) {
  *out += '{';
  std::string_view separator;
  for (const Field& field : fields) {
    *out += separator;
    AppendJsonString(field.name(), out);
    *out += ':';
    AppendValueJson(field, payload, base, out);
    separator = ",";
  }
  *out += '}';
}

// How many characters at the start of `text` are ASCII and stand for themselves.
size_t PlainCharacters(std::string_view text) {
  const auto* const end = std::find_if_not(text.begin(), text.end(), [](char c) {
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
  });
  return static_cast<size_t>(end - text.begin());
}

void AppendEscaped(const Utf8Character& character, std::string* out) {
  const auto c = static_cast<uint8_t>(character.bytes[0]);
  if (c == '"' || c == '\\') {
    *out += '\\';
    *out += static_cast<char>(c);
  } else if (!character.valid) {
    *out += "\\ufffd";
  } else if (c < 0x20 || c == 0x7f) {
    char escape[8];
    std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(c));
    *out += escape;
  } else {
    *out += character.bytes;
  }
}

void AppendPlace(std::string_view node, const BatchView& batch, std::string* out) {
  *out += "{\"node\":";
  AppendJsonString(node, out);
  *out += ",\"channel\":";
  AppendJsonString(batch.channel(), out);
  *out += Concat(",\"epoch\":\"", batch.epoch(), '"');
}

}  // namespace

void AppendJsonNumber(uint64_t value, std::string* out) {
  *out += value > kMaxExactNumber ? Concat('"', value, '"') : Concat(value);
}

void AppendJsonString(std::string_view text, std::string* out) {
  *out += '"';
  while (!text.empty()) {
    const size_t plain = PlainCharacters(text);
    if (plain != 0) {
      *out += text.substr(0, plain);
      text.remove_prefix(plain);
      continue;
    }
    const Utf8Character character = FirstCharacter(text);
    AppendEscaped(character, out);
    text.remove_prefix(character.bytes.size());
  }
  *out += '"';
}

void AppendFieldsJson(const RecordType& type, std::string_view payload, std::string* out) {
  AppendObject(type.fields(), payload, /*base=*/0, out);
}

void AppendRecordJson(std::string_view node, const BatchView& batch, const RecordView& record,
                      const RecordType* type, const NodeClock& clock, std::string* out) {
  AppendPlace(node, batch, out);
  *out += ",\"sequence\":";
  AppendJsonNumber(record.sequence, out);
  *out += ",\"time\":\"";
  *out += absl::FormatTime("%Y-%m-%dT%H:%M:%E9SZ", clock.ToTime(record.boottime_ns),
                           absl::UTCTimeZone());
  *out += "\",\"boottime_ns\":";
  AppendJsonNumber(record.boottime_ns, out);
  *out += Concat(",\"cpu\":", record.cpu, ",\"type\":");
  if (type == nullptr) {
    *out += Concat(record.type, ",\"payload\":\"", HexText(record.payload), "\"}");
    return;
  }
  AppendJsonString(type->name(), out);
  *out += ",\"fields\":";
  AppendFieldsJson(*type, record.payload, out);
  *out += '}';
}

void AppendLostJson(std::string_view node, const BatchView& batch, const LostView& lost,
                    std::string* out) {
  constexpr std::string_view kStagePrefix = "LOSS_STAGE_";
  AppendPlace(node, batch, out);
  *out += ",\"lost\":{\"first_sequence\":";
  AppendJsonNumber(lost.first_sequence, out);
  *out += ",\"count\":";
  if (lost.count == 0) {
    *out += "null";
  } else {
    AppendJsonNumber(lost.count, out);
  }
  *out += ",\"stage\":\"";
  *out += v1::LossStage_Name(lost.stage).substr(kStagePrefix.size());
  *out += '"';
  if (lost.cpu) *out += Concat(",\"cpu\":", *lost.cpu);
  *out += ",\"cause\":";
  AppendJsonString(lost.cause, out);
  *out += "}}";
}

}  // namespace kchan
