// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CPP_SRC_PAYLOAD_WRITER_H_
#define KCHAN_CLIENTS_CPP_SRC_PAYLOAD_WRITER_H_

#include <google/protobuf/struct.pb.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kchan/schema.h"

namespace kchan {

// PayloadWriter puts JSON values in their places in one payload.
class PayloadWriter {
 public:
  PayloadWriter(bool big_endian, const RecordType& type)
      : big_endian_(big_endian), type_(type), payload_(type.proto().size_bytes(), '\0') {}

  // The fields that `object` names. INVALID_ARGUMENT names the field and what it
  // may be.
  absl::Status Write(const google::protobuf::Struct& object) {
    return WriteFields(type_.fields(), object, {.path = {}, .base = 0});
  }

  // The whole payload. INVALID_ARGUMENT: it would be too long.
  absl::StatusOr<std::string> Finish() &&;

 private:
  using Value = google::protobuf::Value;

  // What is being written: the record, or an element of a structure.
  struct Level {
    std::string path;  // "" or "peers[1].", for messages
    size_t base = 0;   // where it starts in the payload
  };
  // What a LOC field shall point to.
  struct Loc {
    size_t offset = 0;  // of the field
    std::string bytes;
  };

  absl::Status WriteFields(std::span<const Field> fields, const google::protobuf::Struct& object,
                           const Level& level);
  absl::Status WriteField(const Field& field, const Value& value, const Level& level);
  absl::Status WriteValue(const Field& field, const Value& value, size_t base);
  absl::Status WriteStructs(const Field& field, const Value& value, const Level& level);
  absl::Status WriteAddress(const Field& field, const Value& value, size_t base);
  absl::Status WriteIntegers(const Field& field, const Value& value, size_t base);
  absl::Status WriteBytes(const Field& field, const Value& value, size_t base);
  void PutNumber(size_t offset, uint32_t size, uint64_t number);
  absl::Status AppendRest();

  const bool big_endian_;
  const RecordType& type_;
  std::string payload_;
  std::vector<Loc> locs_;
  std::optional<std::string> rest_;
};

}  // namespace kchan

#endif  // KCHAN_CLIENTS_CPP_SRC_PAYLOAD_WRITER_H_
