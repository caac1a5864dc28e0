// SPDX-License-Identifier: Apache-2.0
#include "bridge/security/policy_file.h"

#include "bridge/config/text_format.h"

namespace kchan::security {
namespace {

constexpr size_t kMaxPolicyBytes = 4 << 20;

}  // namespace

absl::StatusOr<std::shared_ptr<const Authorizer>> ParsePolicy(const std::string& text,
                                                              const std::string& path) {
  config::v1::Policy policy;
  config::Places places(config::v1::Policy::descriptor());
  absl::Status status = config::ParseTextInto(text, path, &places, policy);
  if (!status.ok()) return status;
  auto authorizer = Authorizer::Make(policy);
  if (!authorizer.ok()) return config::AtItsPlace(authorizer.status(), path, places);
  return authorizer;
}

absl::StatusOr<std::string> ReadPolicyText(const std::string& path) {
  return config::ReadText(path, "policy", kMaxPolicyBytes);
}

absl::StatusOr<std::shared_ptr<const Authorizer>> ReadPolicy(const std::string& path) {
  const auto text = ReadPolicyText(path);
  if (!text.ok()) return text.status();
  return ParsePolicy(*text, path);
}

}  // namespace kchan::security
