// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/file_source.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "tests/unit/hub/log_testing.h"
#include "tests/unit/source/frame_testing.h"
#include "tests/unit/source/source_testing.h"

namespace kchan::testing {
namespace {

using source::FileFolder;
using source::FileSource;
using source::FileWriter;
using source::UniqueFd;

// The kernel's end, moved by hand. All under one lock: the source's thread asks.
class FakeKernel {
 public:
  // Writes a record to the file that it has.
  void Write(const std::string& payload) {
    const std::lock_guard lock(mutex_);
    const std::string frame = FrameText(++status_.sequence, payload);
    ASSERT_TRUE(file_);
    ASSERT_EQ(pwrite(file_.get(), frame.data(), frame.size(), static_cast<off_t>(status_.position)),
              static_cast<ssize_t>(frame.size()));
    status_.position += frame.size();
    ++status_.records;
    Signal();
  }
  void Lose(uint64_t count) {
    const std::lock_guard lock(mutex_);
    status_.sequence += count;
    status_.lost += count;
    Signal();
  }
  int hands() const {
    const std::lock_guard lock(mutex_);
    return hands_;
  }

  class Writer;
  std::unique_ptr<FileWriter> Attach();

 private:
  void Signal() {
    const uint64_t one = 1;
    ASSERT_EQ(write(event_.get(), &one, sizeof(one)), 8);
  }

  mutable std::mutex mutex_;
  kchan_file_status status_ = {};
  UniqueFd file_;
  int hands_ = 0;
  UniqueFd event_{eventfd(0, EFD_NONBLOCK)};
};

class FakeKernel::Writer final : public FileWriter {
 public:
  explicit Writer(FakeKernel& kernel) : kernel_(kernel) {}
  ~Writer() override {
    const std::lock_guard lock(kernel_.mutex_);
    kernel_.file_.Reset();
  }
  uint64_t generation() const override { return 0xabc; }
  absl::Status Hand(int fd) override {
    const std::lock_guard lock(kernel_.mutex_);
    kernel_.file_ = UniqueFd(dup(fd));
    kernel_.status_.position = 0;
    ++kernel_.hands_;
    return absl::OkStatus();
  }
  absl::StatusOr<kchan_file_status> Status() override {
    const std::lock_guard lock(kernel_.mutex_);
    return kernel_.status_;
  }
  int fd() const override { return kernel_.event_.get(); }

 private:
  FakeKernel& kernel_;
};

std::unique_ptr<FileWriter> FakeKernel::Attach() { return std::make_unique<Writer>(*this); }

class FileSourceTest : public ::testing::Test {
 protected:
  FileSourceTest() {
    char name[] = "/tmp/kchan-file-XXXXXX";
    directory_ = mkdtemp(name);
    folder_.emplace(directory_ + "/files");
  }
  ~FileSourceTest() override {
    Stop();
    std::filesystem::remove_all(directory_);
  }
  void Start(uint64_t rotate_bytes = 1 << 20) {
    log_.emplace(hub::LogLimits{}, std::make_shared<hub::MemoryUse>());
    loop_.Run([&] {
      auto source =
          FileSource::Attach(loop_.loop(), kernel_.Attach(), *folder_, "test", rotate_bytes);
      ASSERT_TRUE(source.ok()) << source.status();
      source_ = *std::move(source);
      next_ = source_->next_sequence();
      log_->StartEpoch(1, 1, next_);
      source_->Start(*log_, [](const absl::Status&) {});
    });
  }
  void Stop() {
    loop_.Run([&] { source_.reset(); });
  }
  // The daemon is killed: another one knows only what is in the folder.
  void Forget() { folder_.emplace(directory_ + "/files"); }
  size_t Files() const {
    return static_cast<size_t>(
        std::distance(std::filesystem::directory_iterator(directory_ + "/files"), {}));
  }
  hub::LogExtent extent() const { return log_->extent(); }
  bool ReadUpTo(uint64_t sequence) {
    return Eventually([&] { return extent().last_sequence == sequence; });
  }
  uint64_t lost() const { return extent().lost[static_cast<size_t>(hub::LossStage::kKernelRing)]; }

  LoopThread loop_;
  std::string directory_;
  std::optional<FileFolder> folder_;
  FakeKernel kernel_;
  std::optional<hub::Log> log_;
  std::unique_ptr<source::RecordSource> source_;
  uint64_t next_ = 0;
};

TEST_F(FileSourceTest, FollowsWhatTheKernelWrites) {
  Start();
  EXPECT_EQ(next_, 1u);
  kernel_.Write("a");
  EXPECT_TRUE(ReadUpTo(1));
  kernel_.Write("b");
  EXPECT_TRUE(ReadUpTo(2));
  EXPECT_EQ(extent().records, 2u);
}

TEST_F(FileSourceTest, LossesAreExactAlsoAtTheTail) {
  Start();
  kernel_.Lose(3);
  kernel_.Write("a");
  kernel_.Lose(2);
  EXPECT_TRUE(ReadUpTo(6));
  EXPECT_EQ(extent().records, 1u);
  EXPECT_EQ(lost(), 5u);
}

TEST_F(FileSourceTest, RotatesWithoutLosingOrDoublingAndRemovesWhatIsRead) {
  Start(/*rotate_bytes=*/256);
  for (int i = 1; i <= 200; ++i) {
    kernel_.Write(std::string(64, 'r'));
    if (i % 10 == 0) {
      EXPECT_TRUE(ReadUpTo(static_cast<uint64_t>(i)));
    }
  }
  EXPECT_TRUE(ReadUpTo(200));
  EXPECT_EQ(extent().records, 200u);
  EXPECT_EQ(lost(), 0u);
  EXPECT_GT(kernel_.hands(), 5);
  EXPECT_TRUE(Eventually([&] { return Files() <= 2; }));
}

TEST_F(FileSourceTest, AnEndLeavesNothingThatIsRead) {
  Start();
  kernel_.Write("a");
  EXPECT_TRUE(ReadUpTo(1));
  Stop();
  EXPECT_EQ(Files(), 0u);
}

TEST_F(FileSourceTest, ComingBackGoesOnBehindWhatWasRead) {
  Start();
  kernel_.Write("a");
  EXPECT_TRUE(ReadUpTo(1));
  Stop();
  kernel_.Lose(4);
  Start();
  EXPECT_EQ(next_, 2u);
  kernel_.Write("b");
  EXPECT_TRUE(ReadUpTo(6));
  EXPECT_EQ(lost(), 4u);
  EXPECT_EQ(extent().records, 1u);
}

TEST_F(FileSourceTest, WhatAKilledDaemonLeftIsReadUnderTheSameNumbers) {
  // As the kernel leaves it: numbers 1 to 3, of which somebody had read some.
  std::filesystem::create_directory(directory_ + "/files");
  const std::string left = directory_ + "/files/test.0000000000000abc.0000000007";
  std::ofstream(left) << FrameText(1, "a") << FrameText(2, "b") << FrameText(3, "c")
                      << FrameText(4, "torn").substr(0, 20);
  const std::string older = directory_ + "/files/test.0000000000000123.0000000002";
  std::ofstream(older) << FrameText(9, "of another generation");
  kernel_.Lose(5);  // the kernel's numbers stand at 5: 4 and 5 are lost
  Start();
  EXPECT_EQ(next_, 1u);
  EXPECT_TRUE(ReadUpTo(5));
  EXPECT_EQ(extent().records, 3u);
  EXPECT_EQ(lost(), 2u);
  kernel_.Write("d");
  EXPECT_TRUE(ReadUpTo(6));
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_FALSE(std::filesystem::exists(older));
}

TEST_F(FileSourceTest, ANumberThatTheKernelHasNotUsedIsNotBelieved) {
  std::filesystem::create_directory(directory_ + "/files");
  std::ofstream(directory_ + "/files/test.0000000000000abc.0000000007")
      << FrameText(1, "a") << FrameText(uint64_t{1} << 60, "forged") << FrameText(2, "b");
  kernel_.Lose(2);
  Start();
  EXPECT_TRUE(ReadUpTo(2));
  EXPECT_EQ(extent().records, 2u);
  kernel_.Write("c");
  EXPECT_TRUE(ReadUpTo(3));
  EXPECT_EQ(lost(), 0u);
}

TEST_F(FileSourceTest, WhatIsNotReadYetStaysForTheNext) {
  Start();
  kernel_.Write("a");
  EXPECT_TRUE(ReadUpTo(1));
  // Stopped before it could look again.
  loop_.Run([&] {
    kernel_.Write("b");
    source_.reset();
  });
  EXPECT_EQ(Files(), 1u);
  Forget();
  Start();
  EXPECT_EQ(next_, 1u);
  EXPECT_TRUE(ReadUpTo(2));
  EXPECT_EQ(extent().records, 2u);
}

TEST_F(FileSourceTest, AFolderThatCannotBeUsedSaysWhatToDo) {
  std::ofstream(directory_ + "/files") << "a file where the folder should be";
  loop_.Run([&] {
    const auto source = FileSource::Attach(loop_.loop(), kernel_.Attach(), *folder_, "test", 1024);
    ASSERT_FALSE(source.ok());
    EXPECT_TRUE(absl::IsFailedPrecondition(source.status())) << source.status();
    EXPECT_NE(source.status().message().find("file_directory"), absl::string_view::npos);
  });
}

}  // namespace
}  // namespace kchan::testing
