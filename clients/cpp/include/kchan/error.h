// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_ERROR_H_
#define KCHAN_ERROR_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace kchan {

// Every error of this library is an absl::Status. One that the daemon sent has
// its code, its message and its google.rpc details; these read the details.

// What is wrong with one field of a request (google.rpc.BadRequest).
struct FieldViolation {
  std::string field;
  std::string description;
};

// The machine-readable reason (google.rpc.ErrorInfo), such as
// "CHANNEL_NOT_FOUND"; empty if the error has none.
std::string ErrorReason(const absl::Status& status);

// What the reason says of `key`; empty if nothing.
std::string ErrorMetadata(const absl::Status& status, const std::string& key);

// The fields that are wrong; empty if the error names none.
std::vector<FieldViolation> FieldViolations(const absl::Status& status);

// How long the daemon asks to wait before a retry, if it does.
std::optional<absl::Duration> RetryDelay(const absl::Status& status);

}  // namespace kchan

#endif  // KCHAN_ERROR_H_
