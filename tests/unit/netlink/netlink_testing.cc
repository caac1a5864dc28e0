// SPDX-License-Identifier: Apache-2.0
#include "netlink_testing.h"

#include <cstdio>
#include <cstdlib>
#include <map>

#include "bridge/netlink/spec/attribute_writer.h"
#include "bridge/netlink/spec/byte_text.h"
#include "bridge/text/concat.h"
#include "google/protobuf/util/json_util.h"

namespace kchan::netlink {
namespace {

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string SpecDirectory() {
  const std::string named = Environment("KCHAN_NETLINK_SPECS");
  if (!named.empty()) return named;
  std::string cache = Environment("KCHAN_CACHE");
  if (cache.empty() && !Environment("XDG_CACHE_HOME").empty()) {
    cache = Environment("XDG_CACHE_HOME") + "/kchan";
  }
  if (cache.empty()) cache = Environment("HOME") + "/.cache/kchan";
  return cache + "/netlink-specs/6.12";
}

const SpecCatalogue& KernelSpecs() {
  static const SpecCatalogue* const kCatalogue = [] {
    const std::string directories[] = {SpecDirectory()};
    auto* catalogue = new SpecCatalogue(SpecCatalogue::Load(directories));
    std::string refused;
    for (const RefusedSpec& each : catalogue->refused()) {
      refused += text::Concat(each.path, ": ", each.reason, "\n");
    }
    if (catalogue->names().empty()) {
      Die(text::Concat(refused, "no netlink specs: run scripts/fetch-netlink-specs"));
    }
    return catalogue;
  }();
  return *kCatalogue;
}

const Spec& KernelSpec(std::string_view family) {
  const auto spec = KernelSpecs().Find(family);
  if (spec == nullptr) Die(text::Concat("there is no spec of ", family));
  return *spec;
}

std::shared_ptr<const Spec> ParseOrDie(const std::string& yaml) {
  const auto spec = Spec::Parse(yaml);
  if (!spec.ok()) Die(spec.status().ToString());
  return *spec;
}

google::protobuf::Struct Json(const std::string& text) {
  google::protobuf::Struct values;
  const auto status = google::protobuf::util::JsonStringToMessage(text, &values);
  if (!status.ok()) Die(text + ": " + status.ToString());
  return values;
}

std::string Text(const google::protobuf::Struct& values) {
  const std::map<std::string, google::protobuf::Value> sorted(values.fields().begin(),
                                                              values.fields().end());
  std::string text;
  for (const auto& [key, value] : sorted) {
    text += text::Concat(text.empty() ? "" : ", ", key, ": ", Text(value));
  }
  return "{" + text + "}";
}

std::string Text(const google::protobuf::Value& value) {
  if (value.has_struct_value()) return Text(value.struct_value());
  if (!value.has_list_value()) {
    std::string text;
    (void)google::protobuf::util::MessageToJsonString(value, &text);
    return text;
  }
  std::string text;
  for (const auto& item : value.list_value().values()) {
    text += text::Concat(text.empty() ? "" : ", ", Text(item));
  }
  return "[" + text + "]";
}

std::string Bytes(std::string_view hex) {
  std::string digits;
  for (const char c : hex) {
    if (c != ' ') digits += c;
  }
  const auto bytes = ParseHexText(digits);
  if (!bytes) Die(text::Concat("no bytes: ", hex));
  return *bytes;
}

std::string Attr(uint16_t type, std::string_view payload) {
  std::string bytes;
  (void)AppendAttribute(type, 0, payload, Path(), &bytes);
  return bytes;
}

}  // namespace kchan::netlink
