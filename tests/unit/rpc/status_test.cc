// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/status.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "kchan/v1/record.pb.h"

namespace kchan::rpc {
namespace {

template <typename Detail>
std::vector<Detail> All(const google::rpc::Status& status) {
  std::vector<Detail> found;
  for (const auto& any : status.details()) {
    Detail detail;
    if (any.UnpackTo(&detail)) found.push_back(detail);
  }
  return found;
}

TEST(StatusTest, OkHasNoDetails) {
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
  EXPECT_EQ(ToRpcStatus(absl::OkStatus()).details_size(), 0);
}

TEST(StatusTest, EveryCodeAndMessageIsKept) {
  for (int code = 1; code <= 16; ++code) {
    const grpc::Status status =
        ToGrpcStatus(absl::Status(static_cast<absl::StatusCode>(code), "why"));
    EXPECT_EQ(status.error_code(), code);
    EXPECT_EQ(status.error_message(), "why");
  }
}

TEST(StatusTest, EveryErrorSaysItsDomainAndReason) {
  const auto plain = All<google::rpc::ErrorInfo>(ToRpcStatus(absl::NotFoundError("x")));
  ASSERT_EQ(plain.size(), 1u);
  EXPECT_EQ(plain[0].domain(), "kchan.v1");
  EXPECT_EQ(plain[0].reason(), "NOT_FOUND");
  const auto named = All<google::rpc::ErrorInfo>(
      ToRpcStatus(WithReason(absl::NotFoundError("x"), "NO_SUCH_CHANNEL")));
  EXPECT_EQ(named[0].reason(), "NO_SUCH_CHANNEL");
}

TEST(StatusTest, FieldOfAnInvalidArgumentIsNamed) {
  for (const char* field : {"page_size", "selections[0].start.cursor", "parameters[\"Rate-2\"]"}) {
    const auto bad = All<google::rpc::BadRequest>(ToRpcStatus(BadField(field, "is: wrong")));
    ASSERT_EQ(bad.size(), 1u) << field;
    EXPECT_EQ(bad[0].field_violations(0).field(), field);
    EXPECT_EQ(bad[0].field_violations(0).description(), "is: wrong");
  }
}

TEST(StatusTest, FieldWithinAFieldIsNamedAsAPathAndKeepsItsReason) {
  const absl::Status outer =
      InField("open", WithReason(BadField("stop.until", "is past"), "TOO_LATE"));
  EXPECT_EQ(outer.message(), "open.stop.until: is past");
  EXPECT_EQ(All<google::rpc::BadRequest>(ToRpcStatus(outer))[0].field_violations(0).field(),
            "open.stop.until");
  EXPECT_EQ(All<google::rpc::ErrorInfo>(ToRpcStatus(outer))[0].reason(), "TOO_LATE");
  EXPECT_EQ(InField("open", absl::NotFoundError("there is nothing")).message(), "there is nothing");
  EXPECT_TRUE(InField("open", absl::OkStatus()).ok());
}

TEST(StatusTest, SentenceWithAColonNamesNoField) {
  for (const char* message : {"The request is bad: really", "no field at all", ": empty", ""}) {
    EXPECT_TRUE(
        All<google::rpc::BadRequest>(ToRpcStatus(absl::InvalidArgumentError(message))).empty())
        << message;
  }
}

TEST(StatusTest, WhatMayBeTriedAgainSaysWhen) {
  for (const auto& status : {absl::UnavailableError("x"), absl::ResourceExhaustedError("x")}) {
    EXPECT_EQ(All<google::rpc::RetryInfo>(ToRpcStatus(status)).size(), 1u);
  }
  EXPECT_TRUE(All<google::rpc::RetryInfo>(ToRpcStatus(absl::NotFoundError("x"))).empty());
}

TEST(StatusTest, CursorsComeAlongAsFarAsTheyFit) {
  std::vector<hub::ChannelCursor> cursors;
  for (int i = 0; i < 1000; ++i) cursors.push_back({absl::StrCat("channel-", i), {7, 9}});
  const grpc::Status status = ToGrpcStatus(absl::UnavailableError("x"), cursors);
  EXPECT_LE(status.error_details().size(), 4096u);
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  const auto found = All<v1::Cursor>(details);
  ASSERT_GT(found.size(), 10u);
  EXPECT_EQ(found[3].channel(), "channel-3");
  EXPECT_EQ(found[3].sequence(), 9u);
}

}  // namespace
}  // namespace kchan::rpc
