// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/spec/yaml_fields.h"

#include <charconv>
#include <system_error>

#include "bridge/text/concat.h"

namespace kchan::netlink {
namespace {

bool ParseYamlBool(std::string_view text, bool* value) {
  *value = text == "true" || text == "True";
  return *value || text == "false" || text == "False";
}

bool IsAbsent(const YamlNode* node) {
  return node == nullptr || node->kind == YamlNode::Kind::kNull;
}

}  // namespace

void YamlFields::Fail(const YamlNode& node, std::string_view what) {
  if (ok()) status_ = absl::InvalidArgumentError(text::Concat(node.line, ": ", what));
}

void YamlFields::FailAsUnknown(const YamlNode& node, std::string_view what) {
  if (ok()) status_ = absl::UnimplementedError(text::Concat(node.line, ": not supported: ", what));
}

void YamlFields::Wanted(const YamlNode& node, std::string_view key, std::string_view what) {
  Fail(node, text::Concat("'", key, "' must be ", what));
}

std::string YamlFields::Text(const YamlNode& map, std::string_view key) {
  const YamlNode* node = map.Find(key);
  if (IsAbsent(node)) return "";
  if (node->kind != YamlNode::Kind::kScalar) Wanted(*node, key, "text");
  return node->text;
}

std::string YamlFields::RequiredText(const YamlNode& map, std::string_view key) {
  std::string text = Text(map, key);
  if (text.empty()) Fail(map, text::Concat("there is no '", key, "'"));
  return text;
}

std::string YamlFields::Name(const YamlNode& map) {
  std::string name = RequiredText(map, "name");
  if (!name.empty() && name.front() == '@') Fail(map, text::Concat("the name '", name, "'"));
  return name;
}

bool YamlFields::Bool(const YamlNode& map, std::string_view key) {
  const YamlNode* node = map.Find(key);
  bool value = false;
  if (!IsAbsent(node) && !ParseYamlBool(node->text, &value)) Wanted(*node, key, "true or false");
  return value;
}

std::vector<std::string> YamlFields::Texts(const YamlNode& map, std::string_view key) {
  std::vector<std::string> texts;
  const YamlNode* node = map.Find(key);
  if (IsAbsent(node)) return texts;
  if (node->kind != YamlNode::Kind::kList) Wanted(*node, key, "a list of texts");
  for (const YamlNode* item : node->items) {
    if (item->kind != YamlNode::Kind::kScalar) Wanted(*item, key, "a list of texts");
    texts.push_back(item->text);
  }
  return texts;
}

std::optional<int64_t> YamlFields::Number(const YamlNode& map, std::string_view key, int64_t min,
                                          int64_t max) {
  const YamlNode* node = map.Find(key);
  if (node == nullptr) return std::nullopt;
  const auto number = ParseYamlNumber(node->text);
  if (number && *number >= min && *number <= max) return number;
  Wanted(*node, key, text::Concat("a number from ", min, " to ", max));
  return min;
}

std::span<const YamlNode* const> YamlFields::Maps(const YamlNode& map, std::string_view key) {
  const YamlNode* list = map.Find(key);
  if (IsAbsent(list)) return {};
  if (list->kind != YamlNode::Kind::kList) Wanted(*list, key, "a list");
  for (const YamlNode* item : list->items) {
    if (item->kind != YamlNode::Kind::kMap) Wanted(*item, key, "a list of maps");
  }
  return list->items;
}

std::optional<int64_t> ParseYamlNumber(std::string_view text) {
  const bool is_hex = text.substr(0, 2) == "0x";
  if (is_hex) text.remove_prefix(2);
  int64_t value;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value, is_hex ? 16 : 10);
  return error == std::errc() && at == end ? std::optional(value) : std::nullopt;
}

}  // namespace kchan::netlink
