// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CPP_SRC_FIELD_NUMBER_H_
#define KCHAN_CLIENTS_CPP_SRC_FIELD_NUMBER_H_

#include <google/protobuf/struct.pb.h>

#include <cstdint>

#include "absl/status/statusor.h"
#include "kchan/schema.h"

namespace kchan {

// The bits of one element of an integer field, from one JSON value: a number, a
// numeral, a name or flags. INVALID_ARGUMENT says what is wrong with it, without
// the field's name.
absl::StatusOr<uint64_t> NumberFromJson(const Field& field, const google::protobuf::Value& value);

}  // namespace kchan

#endif  // KCHAN_CLIENTS_CPP_SRC_FIELD_NUMBER_H_
