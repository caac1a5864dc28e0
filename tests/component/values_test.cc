// SPDX-License-Identifier: Apache-2.0
// GetValues, SetValue, AddValue, CompareAndSwapValue.
#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "tests/component/fake_source.h"
#include "tests/component/fake_values.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

using grpc::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

v1::Value Unsigned(uint64_t number) {
  v1::Value value;
  value.set_unsigned_value(number);
  return value;
}

v1::Value Signed(int64_t number) {
  v1::Value value;
  value.set_signed_value(number);
  return value;
}

v1::Value Text(const std::string& text) {
  v1::Value value;
  value.set_text_value(text);
  return value;
}

class ValuesTest : public ServerTest {
 protected:
  grpc::Status Get(const std::string& channel, v1::Values& values) {
    grpc::ClientContext context;
    v1::GetValuesRequest request;
    request.set_channel(channel);
    v1::GetValuesResponse response;
    grpc::Status status = stub().GetValues(&context, request, &response);
    values = response.values();
    return status;
  }

  grpc::Status Set(const std::string& word, const v1::Value& value,
                   const std::string& channel = "limits") {
    return SetBy(control_stub(), word, value, channel);
  }

  grpc::Status SetBy(v1::ChannelService::Stub& stub, const std::string& word,
                     const v1::Value& value, const std::string& channel = "limits") {
    grpc::ClientContext context;
    v1::SetValueRequest request;
    request.set_channel(channel);
    request.set_word(word);
    *request.mutable_value() = value;
    return stub.SetValue(&context, request, &set_response_);
  }

  // A door that notes what it is asked to do, and does it.
  void AcceptChanges() {
    door().on_change_value = [this](const hub::ValueChange& change) {
      changes_.push_back(change);
      return hub::ValueChanged{.before = uint64_t{4}, .after = uint64_t{5}};
    };
  }

  std::vector<hub::ValueChange> changes_;
  v1::SetValueResponse set_response_;
};

TEST_F(ValuesTest, GetReadsTheKernelNow) {
  Start();
  FakeValues limits(hub(), "limits");
  door().on_read_values = [] { return FakeValues::Snapshot(7, 42, 9); };
  v1::Values values;
  const grpc::Status status = Get("limits", values);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(values.version(), 7u);
  EXPECT_EQ(values.generation(), 9u);
  EXPECT_EQ(values.boottime_ns(), 1007u);
  ASSERT_EQ(values.words_size(), 3);
  EXPECT_EQ(values.words(0).name(), "high");
  EXPECT_EQ(values.words(0).value().unsigned_value(), 42u);
  EXPECT_EQ(values.words(1).value().signed_value(), -5);
  EXPECT_EQ(values.words(2).value().text_value(), "x\xef\xbf\xbd") << "is not UTF-8";
}

TEST_F(ValuesTest, WhatTheKernelAnswersIsTheAnswer) {
  Start();
  FakeValues limits(hub(), "limits");
  door().on_read_values = [] { return absl::FailedPreconditionError("it is gone"); };
  v1::Values values;
  const grpc::Status status = Get("limits", values);
  EXPECT_EQ(status.error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(status.error_message(), "it is gone");
}

TEST_F(ValuesTest, ChannelsOfOtherKindsSayWhatToUse) {
  Start();
  FakeSource tick(hub(), "tick");
  AddFakeBlocks(hub(), "disk", {.capacity_bytes = 4096, .block_bytes = 512});
  v1::Values values;
  const grpc::Status records = Get("tick", values);
  EXPECT_EQ(records.error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(records.error_message(),
            "channel 'tick' has records, not values: use Subscribe or Publish");
  EXPECT_EQ(ReasonOf(DetailsOf(records)), "WRONG_VOLUME");
  const grpc::Status blocks = Set("high", Unsigned(1), "disk");
  EXPECT_EQ(blocks.error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(blocks.error_message(), HasSubstr("use ReadBlocks"));
  EXPECT_EQ(Get("none", values).error_code(), StatusCode::NOT_FOUND);
}

TEST_F(ValuesTest, NumberIsGivenTheKindOfItsWord) {
  Start();
  FakeValues limits(hub(), "limits");
  AcceptChanges();
  EXPECT_TRUE(Set("high", Unsigned(kMax)).ok());
  EXPECT_TRUE(Set("high", Signed(5)).ok());
  EXPECT_TRUE(Set("low", Unsigned(5)).ok());
  EXPECT_TRUE(Set("note", Text("hello")).ok());
  std::vector<hub::Value> operands;
  for (const hub::ValueChange& change : changes_) operands.push_back(change.operand);
  EXPECT_THAT(operands, ElementsAre(hub::Value(kMax), hub::Value(uint64_t{5}),
                                    hub::Value(int64_t{5}), hub::Value(std::string("hello"))));
  EXPECT_EQ(set_response_.before().unsigned_value(), 4u);
}

TEST_F(ValuesTest, ValueThatDoesNotFitNeverReachesTheKernel) {
  Start();
  FakeValues limits(hub(), "limits");
  AcceptChanges();
  const struct {
    std::string word;
    v1::Value value;
    std::string field;
  } wrong[] = {{"high", Signed(-1), "value"},    {"high", Text("1"), "value"},
               {"low", Unsigned(kMax), "value"}, {"note", Unsigned(1), "value"},
               {"high", v1::Value(), "value"},   {"", Unsigned(1), "word"}};
  for (const auto& each : wrong) {
    const grpc::Status status = Set(each.word, each.value);
    EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT) << each.value.ShortDebugString();
    EXPECT_EQ(FieldOf(DetailsOf(status)), each.field);
  }
  const grpc::Status unknown = Set("hihg", Unsigned(1));
  EXPECT_EQ(unknown.error_code(), StatusCode::NOT_FOUND);
  EXPECT_THAT(unknown.error_message(), HasSubstr("it has: high, low, note"));
  EXPECT_TRUE(changes_.empty());
}

TEST_F(ValuesTest, AddTellsBothSides) {
  Start();
  FakeValues limits(hub(), "limits");
  AcceptChanges();
  grpc::ClientContext context;
  v1::AddValueRequest request;
  request.set_channel("limits");
  request.set_word("high");
  request.set_delta(-3);
  v1::AddValueResponse response;
  ASSERT_TRUE(control_stub().AddValue(&context, request, &response).ok());
  ASSERT_EQ(changes_.size(), 1u);
  EXPECT_EQ(changes_[0].operation, hub::ValueChange::Operation::kAdd);
  EXPECT_EQ(changes_[0].operand, hub::Value(int64_t{-3}));
  EXPECT_EQ(response.before().unsigned_value(), 4u);
  EXPECT_EQ(response.after().unsigned_value(), 5u);
}

TEST_F(ValuesTest, SwapThatFindsAnotherValueIsNoError) {
  Start();
  FakeValues limits(hub(), "limits");
  door().on_change_value = [this](const hub::ValueChange& change) {
    changes_.push_back(change);
    return hub::ValueChanged{.applied = false, .before = uint64_t{8}, .after = uint64_t{8}};
  };
  grpc::ClientContext context;
  v1::CompareAndSwapValueRequest request;
  request.set_channel("limits");
  request.set_word("high");
  *request.mutable_expected() = Signed(1);
  *request.mutable_value() = Signed(2);
  v1::CompareAndSwapValueResponse response;
  ASSERT_TRUE(control_stub().CompareAndSwapValue(&context, request, &response).ok());
  EXPECT_FALSE(response.swapped());
  EXPECT_EQ(response.before().unsigned_value(), 8u);
  EXPECT_EQ(changes_[0].expected, hub::Value(uint64_t{1}));
  EXPECT_EQ(changes_[0].operand, hub::Value(uint64_t{2}));
  EXPECT_THAT(audited(), ElementsAre(HasSubstr("found another value")));
}

TEST_F(ValuesTest, WritingNeedsTheControlRightAndIsAudited) {
  Start();
  FakeValues limits(hub(), "limits");
  AcceptChanges();
  EXPECT_EQ(SetBy(stub(), "high", Unsigned(5)).error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_TRUE(changes_.empty());
  EXPECT_TRUE(Set("high", Unsigned(5)).ok());
  EXPECT_FALSE(Set("\n", Unsigned(5)).ok());
  const std::vector<std::string> lines = audited();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_THAT(lines[0], HasSubstr(R"("object":"channel limits","request":"","decision":"denied")"));
  EXPECT_THAT(lines[1],
              HasSubstr(R"-("object":"channel limits","request":"high = 5 (was 4)","decision":)-"
                        R"-("allowed","rule":"listener","result":"OK"})-"));
  EXPECT_THAT(lines[2], HasSubstr(R"("request":"\u000a")")) << "one line, whatever is sent";
}

TEST_F(ValuesTest, RecordsAreNeitherReadFromNorSentToThem) {
  Start();
  FakeValues limits(hub(), "limits");
  grpc::ClientContext reading;
  const auto reader = stub().Subscribe(&reading);
  v1::SubscribeRequest open;
  open.mutable_open()->add_selections()->set_name("limits");
  reader->Write(open);
  v1::SubscribeResponse nothing;
  EXPECT_FALSE(reader->Read(&nothing));
  const grpc::Status status = reader->Finish();
  EXPECT_EQ(status.error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("use GetValues, WatchValues"));

  grpc::ClientContext writing;
  const auto writer = control_stub().Publish(&writing);
  v1::PublishRequest record;
  record.set_channel("limits");
  writer->Write(record);
  v1::PublishResponse answer;
  ASSERT_TRUE(writer->Read(&answer));
  EXPECT_EQ(answer.status().code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(answer.status()), "WRONG_VOLUME");
  writing.TryCancel();
  writer->Finish();
}

}  // namespace
}  // namespace kchan::testing
