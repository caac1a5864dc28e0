// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_ENCODE_H_
#define KCHAN_ENCODE_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "kchan/schema.h"

namespace kchan {

// Makes the payload that `type` describes of a JSON object with its fields, in
// the form that AppendFieldsJson() writes, and for people also:
//   integers   a number, or a string: decimal, or hex with 0x
//   ENUM       a name or a number
//   FLAGS      an array of names and numbers, or one string "UP|0x40"
//   bytes      a string of hex digits
//   structures an object; an array of objects, where there are several
// A field that is left out is zero. What a LOC field points to is appended to
// the fixed part, and to what takes the rest.
//
// INVALID_ARGUMENT: not such an object; the message names the field and what
// it may be.
absl::StatusOr<std::string> EncodeJson(const Schema& schema, const RecordType& type,
                                       std::string_view json);

}  // namespace kchan

#endif  // KCHAN_ENCODE_H_
