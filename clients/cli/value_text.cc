// SPDX-License-Identifier: Apache-2.0
#include "value_text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "kchan/format.h"
#include "kchan/values.h"
#include "output.h"

namespace kchan::cli {
namespace {

// Negative numbers too; with a leading minus the result is a signed value.
std::optional<v1::Value> ParseNumber(std::string_view text) {
  const bool is_negative = text.starts_with("-");
  if (is_negative) text.remove_prefix(1);
  const int base = text.starts_with("0x") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number, base);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  if (!is_negative) return UnsignedValue(number);
  constexpr uint64_t kMin = uint64_t{1} << 63;
  if (number > kMin) return std::nullopt;
  return SignedValue(static_cast<int64_t>(uint64_t{0} - number));
}

uint64_t BitsOf(const v1::Value& value) {
  return value.has_signed_value() ? static_cast<uint64_t>(value.signed_value())
                                  : value.unsigned_value();
}

std::string Names(const v1::Field& field) {
  std::string names;
  for (const v1::NamedValue& named : field.names()) absl::StrAppend(&names, ", ", named.name());
  return names;
}

void AppendSigned(int64_t number, std::string* out) {
  constexpr int64_t kMaxExact = int64_t{1} << 53;
  const bool is_exact = number >= -kMaxExact && number <= kMaxExact;
  absl::StrAppend(out, is_exact ? "" : "\"", number, is_exact ? "" : "\"");
}

void AppendValueJson(const v1::Value& value, std::string* out) {
  switch (value.kind_case()) {
    case v1::Value::kUnsignedValue:
      return AppendJsonNumber(value.unsigned_value(), out);
    case v1::Value::kSignedValue:
      return AppendSigned(value.signed_value(), out);
    case v1::Value::kTextValue:
      return AppendJsonString(value.text_value(), out);
    case v1::Value::KIND_NOT_SET:
      break;
  }
  *out += "null";
}

void AppendValues(std::string_view channel, const v1::Values& values, std::string* out) {
  *out += "{\"channel\":";
  AppendJsonString(channel, out);
  *out += ",\"version\":";
  AppendJsonNumber(values.version(), out);
  absl::StrAppend(out, ",\"generation\":\"", values.generation(), "\",\"boottime_ns\":");
  AppendJsonNumber(values.boottime_ns(), out);
  *out += ",\"values\":{";
  for (int i = 0; i < values.words_size(); ++i) {
    if (i != 0) *out += ",";
    AppendJsonString(values.words(i).name(), out);
    *out += ":";
    AppendValueJson(values.words(i).value(), out);
  }
  *out += "}";
}

}  // namespace

const v1::Field* FindField(const v1::Schema& schema, std::string_view word) {
  if (schema.types().empty()) return nullptr;
  const auto& fields = schema.types(0).fields();
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const v1::Field& field) { return field.name() == word; });
  return found == fields.end() ? nullptr : &*found;
}

std::string ValueText(const v1::Value& value, const v1::Field* field) {
  if (value.has_text_value()) return Safe(value.text_value());
  if (field != nullptr && field->display() == v1::FIELD_DISPLAY_ENUM) {
    for (const v1::NamedValue& named : field->names()) {
      if (named.value() == BitsOf(value)) return Safe(named.name());
    }
  }
  return value.has_signed_value() ? absl::StrCat(value.signed_value())
                                  : absl::StrCat(value.unsigned_value());
}

std::string WordsText(const v1::Values& values, const v1::Schema& schema) {
  std::string text;
  for (const v1::Word& word : values.words()) {
    absl::StrAppend(&text, text.empty() ? "" : " ", Safe(word.name()), "=",
                    ValueText(word.value(), FindField(schema, word.name())));
  }
  return text;
}

absl::StatusOr<v1::Value> ParseValue(const std::string& text, const v1::Value& now,
                                     const v1::Field* field) {
  if (now.has_text_value()) return TextValue(text);
  if (field != nullptr) {
    for (const v1::NamedValue& named : field->names()) {
      if (named.name() != text) continue;
      return now.has_signed_value() ? SignedValue(static_cast<int64_t>(named.value()))
                                    : UnsignedValue(named.value());
    }
  }
  if (const auto number = ParseNumber(text)) return *number;
  return absl::InvalidArgumentError(absl::StrCat("'", text, "' is not a number, like 5, -5 or 0x1f",
                                                 field == nullptr ? std::string() : Names(*field)));
}

std::string ValuesJson(std::string_view channel, const v1::Values& values) {
  std::string json;
  AppendValues(channel, values, &json);
  return json + "}";
}

std::string UpdateJson(const v1::WatchValuesResponse::Update& update) {
  std::string json;
  AppendValues(update.channel(), update.values(), &json);
  absl::StrAppend(&json, ",\"duplicates\":", update.duplicates(),
                  ",\"heartbeat\":", update.heartbeat() ? "true" : "false",
                  ",\"stale\":", update.stale() ? "true" : "false");
  return json + "}";
}

}  // namespace kchan::cli
