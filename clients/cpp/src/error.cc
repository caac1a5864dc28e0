// SPDX-License-Identifier: Apache-2.0
#include "kchan/error.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/cord.h"
#include "concat.h"
#include "google/rpc/error_details.pb.h"
#include "rpc_status.h"

namespace kchan {
namespace {

constexpr std::string_view kTypePrefix = "type.googleapis.com/";

template <typename Detail>
std::optional<Detail> FindDetail(const absl::Status& status) {
  const auto payload = status.GetPayload(Concat(kTypePrefix, Detail::descriptor()->full_name()));
  Detail detail;
  if (!payload || !detail.ParseFromString(std::string(*payload))) return std::nullopt;
  return detail;
}

// Puts in the message what a person needs and the daemon's text lacks.
std::string Describe(std::string_view operation, const google::rpc::Status& status) {
  std::string text = Concat(operation, ": ", status.message());
  for (const auto& any : status.details()) {
    google::rpc::BadRequest bad;
    if (!any.UnpackTo(&bad)) continue;
    for (const auto& violation : bad.field_violations()) {
      if (status.message().find(violation.field()) != std::string::npos) continue;
      text += Concat(" [", violation.field(), ": ", violation.description(), "]");
    }
  }
  return text;
}

}  // namespace

std::string ErrorReason(const absl::Status& status) {
  const auto detail = FindDetail<google::rpc::ErrorInfo>(status);
  return detail ? detail->reason() : std::string();
}

std::string ErrorMetadata(const absl::Status& status, const std::string& key) {
  const auto detail = FindDetail<google::rpc::ErrorInfo>(status);
  if (!detail) return {};
  const auto found = detail->metadata().find(key);
  return found == detail->metadata().end() ? std::string() : found->second;
}

std::vector<FieldViolation> FieldViolations(const absl::Status& status) {
  std::vector<FieldViolation> violations;
  const auto detail = FindDetail<google::rpc::BadRequest>(status);
  if (!detail) return violations;
  for (const auto& violation : detail->field_violations()) {
    violations.push_back({violation.field(), violation.description()});
  }
  return violations;
}

std::optional<absl::Duration> RetryDelay(const absl::Status& status) {
  const auto detail = FindDetail<google::rpc::RetryInfo>(status);
  if (!detail || !detail->has_retry_delay()) return std::nullopt;
  return absl::Seconds(detail->retry_delay().seconds()) +
         absl::Nanoseconds(detail->retry_delay().nanos());
}

absl::Status FromRpcStatus(const google::rpc::Status& status, std::string_view operation) {
  if (status.code() == 0) return absl::OkStatus();
  // Both enumerations have the canonical codes; absl makes any other UNKNOWN.
  absl::Status result(static_cast<absl::StatusCode>(status.code()), Describe(operation, status));
  for (const auto& any : status.details()) {
    result.SetPayload(any.type_url(), absl::Cord(any.value()));
  }
  return result;
}

absl::Status FromGrpcStatus(const grpc::Status& status, std::string_view operation) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) details.Clear();
  details.set_code(status.error_code());
  if (details.message().empty()) details.set_message(status.error_message());
  return FromRpcStatus(details, operation);
}

}  // namespace kchan
