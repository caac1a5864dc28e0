// SPDX-License-Identifier: Apache-2.0
// A daemon sends any schema with any payload: the schema is refused, or the
// payload is shown without reading beyond it, as valid JSON and as text that
// does a terminal no harm.
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "kchan/encode.h"
#include "kchan/format.h"
#include "kchan/schema.h"

namespace {

void CheckShown(const kchan::Schema& schema, const kchan::RecordType& type,
                const std::string& payload) {
  std::string text;
  kchan::AppendFieldsText(type, payload, &text);
  for (const char c : text) {
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f) std::abort();
  }
  std::string json;
  kchan::AppendFieldsJson(type, payload, &json);
  google::protobuf::Struct object;
  if (!google::protobuf::util::JsonStringToMessage(json, &object).ok()) std::abort();
  // What is shown need not be encodable (a string may have been cut), but
  // trying must be safe.
  if (kchan::EncodeJson(schema, type, json).ok()) return;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);  // it complains about most inputs
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const size_t schema_size = std::min<size_t>(size - 2, data[0] << 8 | data[1]);
  kchan::v1::Schema proto;
  if (!proto.ParseFromArray(data + 2, static_cast<int>(schema_size))) return 0;
  const auto schema = kchan::Schema::Make(proto);
  if (!schema.ok()) return 0;
  // Memory of its own, so that reading one byte too far is seen.
  const std::string payload(bytes.substr(2 + schema_size));
  for (const kchan::RecordType& type : (*schema)->types()) CheckShown(**schema, type, payload);
  return 0;
}
