// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CPP_SRC_SCHEMA_BUILDER_H_
#define KCHAN_CLIENTS_CPP_SRC_SCHEMA_BUILDER_H_

#include <google/protobuf/repeated_ptr_field.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kchan/schema.h"

namespace kchan {

// SchemaBuilder makes a record type's fields of what a daemon says they are,
// which is not believed: what it makes can be read with any payload.
class SchemaBuilder {
 public:
  // `proto` must outlive the type.
  static absl::Status Build(const v1::RecordType& proto, bool big_endian, RecordType* type);

 private:
  using Protos = google::protobuf::RepeatedPtrField<v1::Field>;

  // A record, or a structure's element.
  struct Level {
    std::string path;  // "" or "peers.", for messages
    uint32_t size_bytes = 0;
    int depth = 0;
    uint64_t times = 1;  // how often a payload holds it
  };

  explicit SchemaBuilder(bool big_endian) : big_endian_(big_endian) {}
  absl::StatusOr<std::vector<Field>> MakeFields(const Protos& protos, const Level& level);
  absl::StatusOr<Field> MakeField(const v1::Field& proto, const Level& level);
  absl::Status MakeMembers(const Level& level, Field* field);

  const bool big_endian_;
  int fields_ = 0;
  uint64_t elements_ = 0;
};

}  // namespace kchan

#endif  // KCHAN_CLIENTS_CPP_SRC_SCHEMA_BUILDER_H_
