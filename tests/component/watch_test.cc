// SPDX-License-Identifier: Apache-2.0
// WatchChannels.
#include <chrono>
#include <memory>
#include <string>

#include "tests/component/fake_source.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

using grpc::StatusCode;

class Watcher {
 public:
  explicit Watcher(v1::ChannelService::Stub& stub) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    stream_ = stub.WatchChannels(&context_, {});
  }
  ~Watcher() {
    context_.TryCancel();
    Finish();
  }

  // "+tick live", "-tick", "synced"; "end" if the stream has ended.
  std::string Next() {
    static constexpr const char* kStates[] = {"?", "idle", "live", "ended", "failed"};
    v1::WatchChannelsResponse response;
    if (!stream_->Read(&response)) return "end";
    if (response.has_updated()) {
      return "+" + response.updated().name() + " " + kStates[response.updated().state()];
    }
    return response.has_removed() ? "-" + response.removed() : "synced";
  }

  // Reads until `change` comes; what came before does not matter.
  bool Until(const std::string& change) {
    for (std::string next = Next(); next != "end"; next = Next()) {
      if (next == change) return true;
    }
    return false;
  }

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
  std::unique_ptr<grpc::ClientReader<v1::WatchChannelsResponse>> stream_;
  bool finished_ = false;
  grpc::Status status_;
};

class WatchTest : public ServerTest {};

TEST_F(WatchTest, WhatExistsComesFirstThenTheMarkOnce) {
  Start();
  FakeSource tick(hub(), "tick");
  FakeSource exec(hub(), "exec");
  Watcher watcher(stub());
  EXPECT_EQ(watcher.Next(), "+exec live");
  EXPECT_EQ(watcher.Next(), "+tick live");
  EXPECT_EQ(watcher.Next(), "synced");
  hub().Remove("exec");
  EXPECT_EQ(watcher.Next(), "-exec");
}

TEST_F(WatchTest, NothingExistsIsSyncedToo) {
  Start();
  Watcher watcher(stub());
  EXPECT_EQ(watcher.Next(), "synced");
}

TEST_F(WatchTest, EachThatComesChangesOrGoesIsTold) {
  Start();
  Watcher watcher(stub());
  ASSERT_EQ(watcher.Next(), "synced");
  FakeSource tick(hub(), "tick");
  EXPECT_TRUE(watcher.Until("+tick live"));
  tick.channel().SetState(hub::ChannelState::kFailed, "why");
  EXPECT_TRUE(watcher.Until("+tick failed"));
  hub().Remove("tick");
  EXPECT_TRUE(watcher.Until("-tick"));
}

TEST_F(WatchTest, CountersAreNoChange) {
  Start();
  FakeSource tick(hub(), "tick");
  FakeSource exec(hub(), "exec");
  Watcher watcher(stub());
  ASSERT_TRUE(watcher.Until("synced"));
  tick.Append(100);
  exec.channel().SetState(hub::ChannelState::kEnded, "");
  EXPECT_EQ(watcher.Next(), "+exec ended");
}

TEST_F(WatchTest, OneWatchTooManyIsRefused) {
  options_.limits.max_watches = 1;
  Start();
  Watcher first(stub());
  ASSERT_EQ(first.Next(), "synced");
  Watcher second(stub());
  EXPECT_EQ(second.Finish().error_code(), StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(WatchTest, CancelledWatchMakesRoom) {
  options_.limits.max_watches = 1;
  Start();
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(Eventually([&] { return Watcher(stub()).Next() == "synced"; }));
  }
}

TEST_F(WatchTest, ShutdownEndsItWithUnavailable) {
  Start();
  Watcher watcher(stub());
  ASSERT_EQ(watcher.Next(), "synced");
  server().Shutdown();
  EXPECT_EQ(watcher.Finish().error_code(), StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace kchan::testing
