// SPDX-License-Identifier: Apache-2.0
#include "json.h"

#include <google/protobuf/util/json_util.h>

namespace kchan::cli {

std::string MessageJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  // Fails only for messages with an Any of unknown type, which we do not print.
  if (!google::protobuf::util::MessageToJsonString(message, &json, options).ok()) return "{}";
  return json;
}

}  // namespace kchan::cli
