// SPDX-License-Identifier: Apache-2.0
#include "kchan/encode.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include "concat.h"
#include "payload_writer.h"

namespace kchan {
absl::StatusOr<std::string> EncodeJson(const Schema& schema, const RecordType& type,
                                       std::string_view json) {
  google::protobuf::Struct object;
  const auto parsed =
      google::protobuf::util::JsonStringToMessage({json.data(), json.size()}, &object);
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(Concat("not a JSON object: ", parsed.message()));
  }
  PayloadWriter writer(schema.big_endian(), type);
  if (absl::Status status = writer.Write(object); !status.ok()) return status;
  return std::move(writer).Finish();
}

}  // namespace kchan
