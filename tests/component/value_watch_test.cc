// SPDX-License-Identifier: Apache-2.0
// WatchValues.
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/component/fake_source.h"
#include "tests/component/fake_values.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

using grpc::StatusCode;
using ::testing::HasSubstr;

v1::WatchValuesRequest Request(const std::vector<std::string>& channels) {
  v1::WatchValuesRequest request;
  for (const std::string& channel : channels) request.add_channels(channel);
  return request;
}

void SetMilliseconds(google::protobuf::Duration& duration, int milliseconds) {
  duration.set_seconds(milliseconds / 1000);
  duration.set_nanos(milliseconds % 1000 * 1'000'000);
}

class Watcher {
 public:
  Watcher(v1::ChannelService::Stub& stub, const v1::WatchValuesRequest& request) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    stream_ = stub.WatchValues(&context_, request);
  }
  ~Watcher() {
    context_.TryCancel();
    Finish();
  }

  // "limits high=5", with " +2" for duplicates, " heartbeat" and " stale";
  // "synced"; "end" if the stream has ended.
  std::string Next() {
    v1::WatchValuesResponse response;
    if (!stream_->Read(&response)) return "end";
    if (response.synced()) return "synced";
    const auto& update = response.update();
    std::string text = update.channel();
    if (update.has_values()) {
      const uint64_t before = std::exchange(version_, update.values().version());
      changes_ += before != version_ ? 1 : 0;
      absl::StrAppend(&text, " high=", update.values().words(0).value().unsigned_value());
    }
    if (update.duplicates() > 0) absl::StrAppend(&text, " +", update.duplicates());
    if (update.heartbeat()) text += " heartbeat";
    if (update.stale()) text += " stale";
    duplicates_ += update.duplicates();
    return text;
  }

  uint64_t version() const { return version_; }
  uint64_t duplicates() const { return duplicates_; }
  // Updates that brought a change.
  uint64_t changes() const { return changes_; }

  grpc::Status Finish() {
    if (finished_) return status_;
    while (Next() != "end") {
    }
    finished_ = true;
    status_ = stream_->Finish();
    return status_;
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchValuesResponse>> stream_;
  uint64_t version_ = 0;
  uint64_t duplicates_ = 0;
  uint64_t changes_ = 0;
  bool finished_ = false;
  grpc::Status status_;
};

class ValueWatchTest : public ServerTest {};

TEST_F(ValueWatchTest, CurrentValuesThenTheMarkThenEachChange) {
  Start();
  FakeValues limits(hub(), "limits");
  FakeValues other(hub(), "other");
  limits.Change(1);
  other.Change(100);
  Watcher watcher(stub(), Request({"limits", "other"}));
  EXPECT_EQ(watcher.Next(), "limits high=1");
  EXPECT_EQ(watcher.Next(), "other high=100");
  EXPECT_EQ(watcher.Next(), "synced");
  limits.Change(2);
  EXPECT_EQ(watcher.Next(), "limits high=2");
  other.Change(101, 3);
  EXPECT_EQ(watcher.Next(), "other high=101 +2") << "the source had joined them";
}

TEST_F(ValueWatchTest, ChannelIsWantedAsLongAsItIsWatched) {
  Start();
  FakeValues limits(hub(), "limits");
  limits.Change(1);
  {
    Watcher watcher(stub(), Request({"limits"}));
    EXPECT_EQ(watcher.Next(), "limits high=1");
    EXPECT_EQ(limits.channel().readers(), 1u);
  }
  EXPECT_TRUE(Eventually([&] { return limits.channel().readers() == 0; }));
}

TEST_F(ValueWatchTest, FirstValuesAreWaitedFor) {
  Start();
  FakeValues limits(hub(), "limits");
  Watcher watcher(stub(), Request({"limits"}));
  ASSERT_TRUE(Eventually([&] { return limits.channel().readers() == 1; }));
  limits.Change(1);
  EXPECT_EQ(watcher.Next(), "limits high=1");
  EXPECT_EQ(watcher.Next(), "synced");
}

TEST_F(ValueWatchTest, ChannelThatTellsNothingHoldsUpNobodyForLong) {
  Start();
  FakeValues silent(hub(), "silent");
  FakeValues limits(hub(), "limits");
  limits.Change(1);
  Watcher watcher(stub(), Request({"silent", "limits"}));
  EXPECT_EQ(watcher.Next(), "limits high=1");
  EXPECT_EQ(watcher.Next(), "silent stale");
  EXPECT_EQ(watcher.Next(), "synced");
  silent.Change(7);
  EXPECT_EQ(watcher.Next(), "silent high=7");
}

TEST_F(ValueWatchTest, KernelSideGoesAndReturnsWithoutEndingIt) {
  Start();
  FakeValues limits(hub(), "limits");
  limits.Change(1);
  Watcher watcher(stub(), Request({"limits"}));
  EXPECT_EQ(watcher.Next(), "limits high=1");
  EXPECT_EQ(watcher.Next(), "synced");
  limits.Leave();
  EXPECT_EQ(watcher.Next(), "limits high=1 stale");
  limits.Change(50, 3);
  EXPECT_EQ(watcher.Next(), "limits high=50 +2") << "of the new generation";
  EXPECT_EQ(watcher.version(), 3u);
}

TEST_F(ValueWatchTest, EndedChannelIsToldAtOnce) {
  Start();
  FakeValues limits(hub(), "limits");
  limits.Leave();
  Watcher watcher(stub(), Request({"limits"}));
  EXPECT_EQ(watcher.Next(), "limits stale");
  EXPECT_EQ(watcher.Next(), "synced");
}

TEST_F(ValueWatchTest, SlowClientGetsTheLatestAndTheExactCount) {
  constexpr uint64_t kChanges = 200'000;
  Start();
  FakeValues limits(hub(), "limits");
  limits.Change(0);
  Watcher watcher(stub(), Request({"limits"}));
  ASSERT_EQ(watcher.Next(), "limits high=0");
  for (uint64_t i = 1; i <= kChanges; ++i) limits.Change(i);  // and nobody reads
  while (watcher.version() != kChanges + 1) ASSERT_NE(watcher.Next(), "end");
  EXPECT_EQ(watcher.duplicates() + watcher.changes(), kChanges + 1);
  EXPECT_GT(watcher.duplicates(), 0u) << "everything was sent: nothing was joined";
}

TEST_F(ValueWatchTest, SamplesComeAtTheirTimesChangedOrNot) {
  Start();
  FakeValues limits(hub(), "limits");
  limits.Change(1);
  v1::WatchValuesRequest request = Request({"limits"});
  SetMilliseconds(*request.mutable_sample_interval(), 50);
  Watcher watcher(stub(), request);
  EXPECT_EQ(watcher.Next(), "limits high=1");
  EXPECT_EQ(watcher.Next(), "synced");
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(watcher.Next(), "limits high=1");
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(100));
  for (uint64_t high = 2; high <= 100; ++high) limits.Change(high);
  while (watcher.version() != 100) ASSERT_NE(watcher.Next(), "end");
  EXPECT_EQ(watcher.duplicates() + watcher.changes(), 100u);
  EXPECT_GT(watcher.duplicates(), 90u) << "one sample, or two, is all there was time for";
}

TEST_F(ValueWatchTest, RedundantSamplesAreSuppressedIfAskedFor) {
  Start();
  FakeValues limits(hub(), "limits");
  limits.Change(1);
  v1::WatchValuesRequest request = Request({"limits"});
  SetMilliseconds(*request.mutable_sample_interval(), 10);
  SetMilliseconds(*request.mutable_heartbeat_interval(), 200);
  request.set_suppress_redundant(true);
  Watcher watcher(stub(), request);
  EXPECT_EQ(watcher.Next(), "limits high=1");
  EXPECT_EQ(watcher.Next(), "synced");
  EXPECT_EQ(watcher.Next(), "limits high=1 heartbeat") << "twenty samples, none sent";
  limits.Change(2);
  EXPECT_EQ(watcher.Next(), "limits high=2");
}

TEST_F(ValueWatchTest, HeartbeatsComeWhenNothingElseDoes) {
  Start();
  FakeValues limits(hub(), "limits");
  limits.Change(1);
  v1::WatchValuesRequest request = Request({"limits"});
  SetMilliseconds(*request.mutable_heartbeat_interval(), 100);
  Watcher watcher(stub(), request);
  EXPECT_EQ(watcher.Next(), "limits high=1");
  EXPECT_EQ(watcher.Next(), "synced");
  EXPECT_EQ(watcher.Next(), "limits high=1 heartbeat");
  EXPECT_EQ(watcher.Next(), "limits high=1 heartbeat");
}

TEST_F(ValueWatchTest, SuccessorOfARemovedChannelIsFollowed) {
  Start();
  FakeValues limits(hub(), "limits");
  limits.Change(1);
  Watcher watcher(stub(), Request({"limits"}));
  EXPECT_EQ(watcher.Next(), "limits high=1");
  EXPECT_EQ(watcher.Next(), "synced");
  hub().Remove("limits");
  FakeValues successor(hub(), "limits");
  ASSERT_TRUE(Eventually([&] { return successor.channel().readers() == 1; }));
  successor.Change(9, 2);
  std::string next = watcher.Next();
  if (next == "limits high=1 stale") next = watcher.Next();  // seen in between
  EXPECT_EQ(next, "limits high=9");
}

TEST_F(ValueWatchTest, WrongRequestsAreRefused) {
  Start();
  FakeValues limits(hub(), "limits");
  FakeSource tick(hub(), "tick");
  EXPECT_EQ(Watcher(stub(), Request({})).Finish().error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Watcher(stub(), Request({"none"})).Finish().error_code(), StatusCode::NOT_FOUND);
  EXPECT_EQ(Watcher(stub(), Request({"tick"})).Finish().error_code(),
            StatusCode::FAILED_PRECONDITION);
  const grpc::Status twice = Watcher(stub(), Request({"limits", "limits"})).Finish();
  EXPECT_EQ(FieldOf(DetailsOf(twice)), "channels[1]");
  v1::WatchValuesRequest request = Request({"limits"});
  SetMilliseconds(*request.mutable_sample_interval(), 9);
  EXPECT_EQ(FieldOf(DetailsOf(Watcher(stub(), request).Finish())), "sample_interval");
  request = Request({"limits"});
  SetMilliseconds(*request.mutable_heartbeat_interval(), 99);
  EXPECT_EQ(FieldOf(DetailsOf(Watcher(stub(), request).Finish())), "heartbeat_interval");
}

TEST_F(ValueWatchTest, OneWatchTooManyIsRefused) {
  options_.limits.max_value_watches = 1;
  Start();
  FakeValues limits(hub(), "limits");
  limits.Change(1);
  {
    Watcher first(stub(), Request({"limits"}));
    ASSERT_EQ(first.Next(), "limits high=1");
    const grpc::Status status = Watcher(stub(), Request({"limits"})).Finish();
    EXPECT_EQ(status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_THAT(status.error_message(), HasSubstr("limits.max_value_watches"));
  }
  EXPECT_TRUE(
      Eventually([&] { return Watcher(stub(), Request({"limits"})).Next() == "limits high=1"; }));
}

TEST_F(ValueWatchTest, ShutdownEndsItWithUnavailable) {
  Start();
  FakeValues limits(hub(), "limits");
  limits.Change(1);
  Watcher watcher(stub(), Request({"limits"}));
  ASSERT_EQ(watcher.Next(), "limits high=1");
  server().Shutdown();
  EXPECT_EQ(watcher.Finish().error_code(), StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace kchan::testing
