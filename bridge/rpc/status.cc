// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/status.h"

#include <cctype>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "bridge/rpc/convert.h"
#include "google/rpc/error_details.pb.h"

namespace kchan::rpc {
namespace {

constexpr char kDomain[] = "kchan.v1";
constexpr char kReasonPayload[] = "kchan.v1/reason";
constexpr absl::string_view kMetadataPayload = "kchan.v1/metadata/";  // and the key
constexpr int kRetrySeconds = 1;
// gRPC refuses metadata over 8 KiB; base64 takes a third.
constexpr size_t kMaxDetailsBytes = 4096;

std::string Reason(const absl::Status& status) {
  if (const auto reason = status.GetPayload(kReasonPayload)) return std::string(*reason);
  return absl::StatusCodeToString(status.code());
}

// The field that the message begins with, or nothing.
absl::string_view FieldOf(absl::string_view message) {
  const size_t colon = message.find(": ");
  if (colon == 0 || colon == absl::string_view::npos) return {};
  bool quoted = false;
  for (const char c : message.substr(0, colon)) {
    if (c == '"') quoted = !quoted;
    const bool is_word = std::islower(static_cast<unsigned char>(c)) ||
                         std::isdigit(static_cast<unsigned char>(c)) || c == '_';
    if (!quoted && !is_word && c != '.' && c != '-' && c != '[' && c != ']' && c != '"') return {};
  }
  return message.substr(0, colon);
}

void AddDetails(const absl::Status& status, google::rpc::Status& to) {
  google::rpc::ErrorInfo info;
  info.set_domain(kDomain);
  info.set_reason(Reason(status));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& value) {
    if (!absl::ConsumePrefix(&url, kMetadataPayload)) return;
    (*info.mutable_metadata())[std::string(url)] = std::string(value);
  });
  to.add_details()->PackFrom(info);

  if (absl::IsInvalidArgument(status)) {
    if (const absl::string_view field = FieldOf(status.message()); !field.empty()) {
      google::rpc::BadRequest bad;
      auto* violation = bad.add_field_violations();
      violation->set_field(std::string(field));
      violation->set_description(std::string(status.message().substr(field.size() + 2)));
      to.add_details()->PackFrom(bad);
    }
  }
  if (absl::IsUnavailable(status) || absl::IsResourceExhausted(status)) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(kRetrySeconds);
    to.add_details()->PackFrom(retry);
  }
}

}  // namespace

absl::Status BadField(absl::string_view field, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", problem));
}

absl::Status InField(absl::string_view field, const absl::Status& status) {
  if (FieldOf(status.message()).empty()) return status;
  absl::Status longer(status.code(), absl::StrCat(field, ".", status.message()));
  status.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& value) { longer.SetPayload(url, value); });
  return longer;
}

absl::Status WithReason(absl::Status status, absl::string_view reason) {
  status.SetPayload(kReasonPayload, absl::Cord(reason));
  return status;
}

absl::Status WithMetadata(absl::Status status, absl::string_view key, absl::string_view value) {
  status.SetPayload(absl::StrCat(kMetadataPayload, key), absl::Cord(value));
  return status;
}

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status to;
  to.set_code(static_cast<int>(status.code()));
  to.set_message(std::string(status.message()));
  if (!status.ok()) AddDetails(status, to);
  return to;
}

grpc::Status ToGrpcStatus(const absl::Status& status,
                          const std::vector<hub::ChannelCursor>& cursors) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status details = ToRpcStatus(status);
  for (const hub::ChannelCursor& cursor : cursors) {
    details.add_details()->PackFrom(ToProto(cursor));
    if (details.ByteSizeLong() <= kMaxDetailsBytes) continue;
    details.mutable_details()->RemoveLast();
    break;
  }
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), details.message(),
                      details.SerializeAsString());
}

}  // namespace kchan::rpc
