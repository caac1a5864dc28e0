// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_UNIT_SOURCE_FILE_SOURCE_TESTING_H_
#define KCHAN_TESTS_UNIT_SOURCE_FILE_SOURCE_TESTING_H_

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "bridge/source/file_source.h"
#include "tests/unit/hub/log_testing.h"
#include "tests/unit/source/frame_testing.h"
#include "tests/unit/source/source_testing.h"

namespace kchan::testing {

using source::FileFolder;
using source::FileOwner;
using source::FileSource;
using source::FileWriter;
using source::UniqueFd;

inline constexpr uint64_t kEpoch = 0xabc;
inline constexpr uint64_t kSchema = 0x51;

// The kernel's end, moved by hand. It keeps its file when nobody is attached. All
// under one lock: the source's thread asks.
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
  // The file that it has may get no longer.
  void SetFull() {
    const std::lock_guard lock(mutex_);
    status_.full = 1;
    Signal();
  }
  // The channel is no more.
  void LetGo() {
    const std::lock_guard lock(mutex_);
    file_.Reset();
    status_.position = 0;
    status_.has_file = 0;
  }
  // Another generation, which has no file yet.
  void BeginAnew() {
    LetGo();
    const std::lock_guard lock(mutex_);
    status_ = {};
  }
  void RefuseFiles(bool refuse) {
    const std::lock_guard lock(mutex_);
    refuses_ = refuse;
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
  bool refuses_ = false;
  UniqueFd event_{eventfd(0, EFD_NONBLOCK)};
};

class FakeKernel::Writer final : public FileWriter {
 public:
  explicit Writer(FakeKernel& kernel) : kernel_(kernel) {}
  uint64_t generation() const override { return 0xabc; }
  absl::Status Hand(int fd) override {
    const std::lock_guard lock(kernel_.mutex_);
    if (kernel_.refuses_) return absl::ResourceExhaustedError("no");
    kernel_.file_ = UniqueFd(dup(fd));
    kernel_.status_.position = 0;
    kernel_.status_.has_file = 1;
    kernel_.status_.full = 0;
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

inline std::unique_ptr<FileWriter> FakeKernel::Attach() { return std::make_unique<Writer>(*this); }

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
  void Start(uint64_t rotate_bytes = 1 << 20, uint64_t epoch = kEpoch) {
    log_.emplace(hub::LogLimits{}, std::make_shared<hub::MemoryUse>());
    StartIn(rotate_bytes, epoch);
  }
  // The same with the log that there is.
  void StartIn(uint64_t rotate_bytes, uint64_t epoch) {
    loop_.Run([&] {
      auto source =
          FileSource::Attach(loop_.loop(), kernel_.Attach(), *folder_,
                             FileOwner{.channel = "test", .epoch = epoch, .schema_id = kSchema},
                             source::FileWriting{.rotate_bytes = rotate_bytes});
      ASSERT_TRUE(source.ok()) << source.status();
      source_ = *std::move(source);
      next_ = source_->next_sequence();
      source_->ReadPast(*log_);
      log_->StartEpoch(epoch, kSchema, next_, source_->has_history(), source_->history_end());
      source_->Start(*log_, [](const absl::Status&) {});
      if (before_first_turn_) before_first_turn_();
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
  // As the kernel leaves it.
  std::string Leave(uint64_t epoch, uint64_t schema_id, uint32_t index, const std::string& bytes) {
    std::filesystem::create_directory(directory_ + "/files");
    char name[128];
    std::snprintf(name, sizeof(name), "/files/test.%016lx.%016lx.%010u", epoch, schema_id, index);
    std::ofstream(directory_ + name) << bytes;
    return directory_ + name;
  }
  // All that a reader from the oldest on is given.
  std::vector<hub::LogBatch> ReadAll() const {
    std::vector<hub::LogBatch> batches;
    hub::LogPosition position = *log_->Seek(hub::StartOldest{});
    for (;;) {
      batches.push_back(log_->Read(position, 1 << 20));
      if (!batches.back().empty()) continue;
      batches.pop_back();
      return batches;
    }
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
  std::function<void()> before_first_turn_;
};

}  // namespace kchan::testing

#endif  // KCHAN_TESTS_UNIT_SOURCE_FILE_SOURCE_TESTING_H_
