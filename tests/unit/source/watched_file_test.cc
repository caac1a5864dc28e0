// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/watched_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tests/unit/source/source_testing.h"

namespace kchan::testing {
namespace {

// A driver that answers when it is told to.
class SlowDriver {
 public:
  absl::StatusOr<std::vector<hub::Word>> Read() {
    std::unique_lock lock(mutex_);
    ++reads_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return answers_ > 0; });
    --answers_;
    return std::vector<hub::Word>{{.name = "text", .value = std::to_string(reads_)}};
  }
  void Answer(int times) {
    const std::lock_guard lock(mutex_);
    answers_ += times;
    changed_.notify_all();
  }
  void AwaitRead(int reads) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return reads_ >= reads; });
  }
  int reads() {
    const std::lock_guard lock(mutex_);
    return reads_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int reads_ = 0;
  int answers_ = 0;
};

class WatchedFileTest : public ::testing::Test {
 protected:
  WatchedFileTest() {
    loop_.Run([this] {
      // A regular file: nothing of it is announced, so only LookSoon() looks.
      file_ = source::WatchedFile::Create(
                  loop_.loop(), calls_, "/the/file",
                  source::UniqueFd(open("/proc/self/exe", O_RDONLY | O_CLOEXEC)),
                  [this](int) { return driver_.Read(); }, absl::Hours(1),
                  {.observed = observed_, .feed = feed_, .self = self_})
                  .value();
      file_->Start(log_, [this](const absl::Status&) { ++ends_; });
    });
  }
  ~WatchedFileTest() override {
    driver_.Answer(100);
    calls_.Stop();
    loop_.Run([this] { file_.reset(); });
  }

  std::string Fed() {
    const auto latest = feed_.latest();
    return latest.snapshot == nullptr ? "" : std::get<std::string>(latest.snapshot->words[0].value);
  }

  SlowDriver driver_;
  LoopThread loop_;
  hub::RunningCalls running_;
  source::BlockingCalls calls_{loop_.loop(), 4, running_};
  hub::Log log_{hub::LogLimits{}, std::make_shared<hub::MemoryUse>()};
  source::ObservedValue observed_;
  hub::ValueFeed feed_;
  source::WatchedFile* self_ = nullptr;
  int ends_ = 0;
  std::unique_ptr<source::Timer> timer_;
  std::unique_ptr<source::WatchedFile> file_;
};

TEST_F(WatchedFileTest, SlowFileDoesNotHoldTheLoopUpAndIsReadOnceAtATime) {
  driver_.AwaitRead(1);
  EXPECT_EQ(running_.List(), std::vector<std::string>{"reading /the/file"});
  for (int i = 0; i < 5; ++i) {
    loop_.Run([this] { file_->LookSoon(); });
    loop_.Run([] {});
  }
  EXPECT_EQ(driver_.reads(), 1);
  EXPECT_EQ(Fed(), "");
  driver_.Answer(1);
  EXPECT_TRUE(Eventually([this] { return Fed() == "1"; }));
}

TEST_F(WatchedFileTest, WhatChangedWhileItWasReadIsReadOnceMore) {
  driver_.AwaitRead(1);
  bool looked = false;
  loop_.Run([this] { file_->LookSoon(); });
  // The timer has fired once a later one has.
  loop_.Run([&] {
    timer_ = std::make_unique<source::Timer>(loop_.loop(), [&] { looked = true; });
    timer_->Start(absl::Milliseconds(1));
  });
  ASSERT_TRUE(loop_.Eventually([&] { return looked; }));
  driver_.Answer(2);
  driver_.AwaitRead(2);
  EXPECT_TRUE(Eventually([this] { return Fed() == "2"; }));
  loop_.Run([this] { timer_.reset(); });
}

TEST_F(WatchedFileTest, WatcherThatGoesMeanwhileIsNotTouchedAgain) {
  driver_.AwaitRead(1);
  loop_.Run([this] { file_.reset(); });
  driver_.Answer(1);
  calls_.Stop();
  loop_.Run([] {});
  EXPECT_EQ(Fed(), "");
  EXPECT_EQ(ends_, 0);
  EXPECT_EQ(self_, nullptr);
}

}  // namespace
}  // namespace kchan::testing
