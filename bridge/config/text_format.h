// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_CONFIG_TEXT_FORMAT_H_
#define KCHAN_BRIDGE_CONFIG_TEXT_FORMAT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/config/places.h"
#include "google/protobuf/message.h"

namespace kchan::config {

// Reads text format into `to`. INVALID_ARGUMENT lists every mistake as
// "NAME:LINE:COLUMN: what"; NAME is for that only. Fills `places` in, if there
// are any.
absl::Status ParseTextInto(const std::string& text, const std::string& name, Places* places,
                           google::protobuf::Message& to);

// All of a file, at most `max_bytes`. `what` it is, for errors: "configuration".
absl::StatusOr<std::string> ReadText(const std::string& path, const char* what, size_t max_bytes);

// "FIELD: problem" of a file as "FILE:LINE:COLUMN: FIELD: problem".
absl::Status AtItsPlace(const absl::Status& mistake, const std::string& file, const Places& places);

}  // namespace kchan::config

#endif  // KCHAN_BRIDGE_CONFIG_TEXT_FORMAT_H_
