// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/spec/scope.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "bridge/text/concat.h"

namespace kchan::netlink {
namespace {

using google::protobuf::Value;

std::string TextOf(const Value& value) {
  if (value.kind_case() == Value::kStringValue) return value.string_value();
  if (value.kind_case() == Value::kNumberValue) return absl::StrCat(value.number_value());
  return "";
}

}  // namespace

absl::StatusOr<const SubMessageFormat*> SelectFormat(const Attribute& attribute,
                                                     const Scope& scope) {
  for (const Scope* each = &scope; each != nullptr; each = each->outer) {
    const auto value = each->values->fields().find(attribute.selector);
    if (value == each->values->fields().end()) continue;
    const std::string text = TextOf(value->second);
    const SubMessageFormat* format = attribute.sub_message->Find(text);
    if (format != nullptr) return format;
    return absl::InvalidArgumentError(text::Concat("no format of ", attribute.sub_message->name,
                                                   " for ", attribute.selector, " '", text, "'"));
  }
  return absl::InvalidArgumentError(
      text::Concat("there is no '", attribute.selector, "' that says its format"));
}

ValueFormat ElementFormat(const Attribute& attribute) {
  ValueFormat format = attribute.format;
  format.type = attribute.element;
  return format;
}

ValueFormat BitfieldFormat(const ValueFormat& format) {
  ValueFormat half = format;
  half.type = ValueType::kU32;
  half.enum_as_flags = half.enumeration != nullptr;
  return half;
}

}  // namespace kchan::netlink
