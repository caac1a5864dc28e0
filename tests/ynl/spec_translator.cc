// SPDX-License-Identifier: Apache-2.0
// Translates between netlink bytes and JSON, a request a line:
//
//   {"family": "ethtool", "operation": "rings-get", "decode": "0a00.."}
//   {"family": "ethtool", "notification": 17, "decode": "0a00.."}
//   {"family": "ethtool", "operation": "rings-get", "encode": {..}}
//   {"family": "ethtool", "operation": "rings-get", "path": 12, "of": "0a00.."}
//
// and answers {"operation": .., "values": {..}}, {"bytes": ".."}, {"path": ".."}
// or {"error": ".."}.
#include <iostream>
#include <string>
#include <utility>

#include "bridge/netlink/spec/attribute_path.h"
#include "bridge/netlink/spec/byte_text.h"
#include "bridge/netlink/spec/decode.h"
#include "bridge/netlink/spec/encode.h"
#include "bridge/netlink/spec/spec_catalogue.h"
#include "google/protobuf/util/json_util.h"

namespace {

using google::protobuf::Struct;
namespace netlink = kchan::netlink;

Struct Failed(const std::string& why) {
  Struct answer;
  (*answer.mutable_fields())["error"].set_string_value(why);
  return answer;
}

std::string BytesIn(const Struct& request, const char* key) {
  return netlink::ParseHexText(request.fields().at(key).string_value()).value_or("");
}

Struct Answer(const netlink::SpecCatalogue& catalogue, const Struct& request) {
  const auto& fields = request.fields();
  const auto spec = catalogue.Find(fields.at("family").string_value());
  if (spec == nullptr) return Failed("no such family");
  const netlink::Operation* operation =
      fields.contains("operation")
          ? spec->FindOperation(fields.at("operation").string_value())
          : spec->FindMessage(netlink::Direction::kNotification,
                              static_cast<uint16_t>(fields.at("notification").number_value()));
  if (operation == nullptr) return Failed("no such operation");

  Struct answer;
  auto& out = *answer.mutable_fields();
  out["operation"].set_string_value(operation->name);
  if (fields.contains("decode")) {
    *out["values"].mutable_struct_value() =
        netlink::Decode(operation->layout, netlink::AsBytes(BytesIn(request, "decode")));
  } else if (fields.contains("path")) {
    out["path"].set_string_value(
        netlink::PathAt(operation->layout, netlink::AsBytes(BytesIn(request, "of")),
                        static_cast<size_t>(fields.at("path").number_value())));
  } else {
    const auto bytes = netlink::Encode(operation->layout, fields.at("encode").struct_value());
    if (!bytes.ok()) return Failed(bytes.status().ToString());
    out["bytes"].set_string_value(netlink::HexText(*bytes));
  }
  return answer;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: " << argv[0] << " SPECS\n";
    return 2;
  }
  const std::string directories[] = {argv[1]};
  const auto catalogue = netlink::SpecCatalogue::Load(directories);
  std::string line;
  while (std::getline(std::cin, line)) {
    Struct request;
    const auto status = google::protobuf::util::JsonStringToMessage(line, &request);
    std::string answer;
    (void)google::protobuf::util::MessageToJsonString(
        status.ok() ? Answer(catalogue, request) : Failed(status.ToString()), &answer);
    std::cout << answer << std::endl;
  }
  return 0;
}
