// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SECURITY_POLICY_FILE_H_
#define KCHAN_BRIDGE_SECURITY_POLICY_FILE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "bridge/security/authorizer.h"

namespace kchan::security {

// The file's text, at most 4 MiB.
absl::StatusOr<std::string> ReadPolicyText(const std::string& path);

// Reads a policy. What is wrong is said as "FILE:LINE:COLUMN: what".
absl::StatusOr<std::shared_ptr<const Authorizer>> ReadPolicy(const std::string& path);

// The same of a text that was read from `path`.
absl::StatusOr<std::shared_ptr<const Authorizer>> ParsePolicy(const std::string& text,
                                                              const std::string& path);

}  // namespace kchan::security

#endif  // KCHAN_BRIDGE_SECURITY_POLICY_FILE_H_
