// SPDX-License-Identifier: Apache-2.0
#include "bridge/security/audit_log.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace kchan::security {
namespace {

class AuditLogTest : public ::testing::Test {
 protected:
  AuditEntry Denial() const {
    return {.identity = "cn:eve", .peer = "ipv4:127.0.0.1:9", .method = "SetValue"};
  }
  AuditEntry Deed() const {
    AuditEntry entry = Denial();
    entry.is_allowed = true;
    entry.result = "OK";
    return entry;
  }
  size_t Count() const { return lines_.size(); }

  absl::Time now_ = absl::FromUnixMicros(1'790'000'000'000'001);
  std::vector<std::string> lines_;
  std::unique_ptr<AuditLog> log_ = std::make_unique<AuditLog>(
      [this](const std::string& line) { lines_.push_back(line); }, [this] { return now_; });
};

TEST_F(AuditLogTest, LineHasAllFieldsInOrder) {
  log_->Write({.identity = "spiffe://fleet/a",
               .peer = "ipv4:127.0.0.1:9",
               .method = "SetValue",
               .object = "channel heater",
               .request = "target = 5",
               .is_allowed = true,
               .rule = "operate",
               .result = "OK"});
  ASSERT_EQ(Count(), 1u);
  EXPECT_EQ(lines_[0],
            R"({"type":"audit","time":"2026-09-21T14:13:20.000001Z",)"
            R"("identity":"spiffe://fleet/a","peer":"ipv4:127.0.0.1:9","method":"SetValue",)"
            R"("object":"channel heater","request":"target = 5","decision":"allowed",)"
            R"("rule":"operate","result":"OK"})");
}

TEST_F(AuditLogTest, WhateverAClientSendsIsOneLineOfJson) {
  AuditEntry entry = Deed();
  entry.object = "a\"b\\c\nd\x7f\xff";
  log_->Write(entry);
  EXPECT_NE(lines_[0].find("\"object\":\"a\\\"b\\\\c\\u000ad\\u007f\xef\xbf\xbd\""),
            std::string::npos)
      << lines_[0];
}

TEST_F(AuditLogTest, LineIsBounded) {
  AuditEntry entry = Deed();
  entry.identity = entry.peer = entry.object = entry.request = entry.rule = entry.result =
      std::string(1 << 20, '\x01');
  log_->Write(entry);
  EXPECT_LT(lines_[0].size(), 20'000u);
  EXPECT_NE(lines_[0].find("...\""), std::string::npos);
}

TEST_F(AuditLogTest, DenialsAreLimitedAndWhatIsWithheldIsCounted) {
  for (int i = 0; i < 150; ++i) log_->Write(Denial());
  EXPECT_EQ(Count(), 100u);
  EXPECT_EQ(log_->withheld(), 50u);
  now_ += absl::Milliseconds(100);
  log_->Write(Denial());
  ASSERT_EQ(Count(), 101u);
  EXPECT_EQ(lines_[100].substr(lines_[100].size() - 15), R"(,"withheld":50})");
  log_->Write(Deed());
  EXPECT_EQ(lines_[101].find("withheld"), std::string::npos) << "told once";
}

TEST_F(AuditLogTest, DeedsAreNeverWithheld) {
  for (int i = 0; i < 101; ++i) log_->Write(Denial());
  for (int i = 0; i < 1000; ++i) log_->Write(Deed());
  EXPECT_EQ(Count(), 1100u);
  EXPECT_NE(lines_[100].find(R"("withheld":1})"), std::string::npos) << lines_[100];
}

TEST_F(AuditLogTest, WhatIsWithheldAtTheEndIsToldThen) {
  for (int i = 0; i < 103; ++i) log_->Write(Denial());
  log_.reset();
  ASSERT_EQ(Count(), 101u);
  EXPECT_EQ(lines_[100], R"({"type":"audit","time":"2026-09-21T14:13:20.000001Z","withheld":3})");
}

TEST_F(AuditLogTest, ClockThatIsSetBackGivesNothing) {
  for (int i = 0; i < 100; ++i) log_->Write(Denial());
  now_ -= absl::Hours(1);
  log_->Write(Denial());
  EXPECT_EQ(Count(), 100u);
  now_ += absl::Seconds(1);
  for (int i = 0; i < 20; ++i) log_->Write(Denial());
  EXPECT_EQ(Count(), 110u);
}

}  // namespace
}  // namespace kchan::security
