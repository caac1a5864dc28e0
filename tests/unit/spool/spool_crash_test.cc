// SPDX-License-Identifier: Apache-2.0
// A process that spools is killed at each of its calls to the file system. What
// the next one finds needs no repair.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <new>

#include "tests/unit/spool/spool_testing.h"

namespace kchan::spool {
namespace {

using testing::Node;
using testing::NodeSetup;
using testing::Seen;

constexpr uint64_t kBursts = 12;
constexpr uint64_t kRecordsInBurst = 40;
constexpr uint64_t kNumbers = kBursts * kRecordsInBurst;
constexpr size_t kPayloadBytes = 200;

// Ends the process in the `last`-th call that changes something. A write is half
// done then.
class DeadlyFiles final : public Files {
 public:
  explicit DeadlyFiles(int last) : left_(last) {}

  int Create(const std::string& path) override {
    Live();
    return Files::Create(path);
  }
  int Write(int fd, std::span<const iovec> parts, uint64_t offset) override {
    if (left_.load() == 1) {
      size_t half = 0;
      for (const iovec& part : parts) half += part.iov_len;
      half /= 2;
      for (const iovec& part : parts) {
        const size_t bytes = std::min(half, part.iov_len);
        if (pwrite(fd, part.iov_base, bytes, static_cast<off_t>(offset)) < 0) break;
        offset += bytes;
        half -= bytes;
      }
    }
    Live();
    return Files::Write(fd, parts, offset);
  }
  int Truncate(int fd, uint64_t bytes) override {
    Live();
    return Files::Truncate(fd, bytes);
  }
  int Sync(int fd) override {
    Live();
    return Files::Sync(fd);
  }
  int Rename(const std::string& from, const std::string& to) override {
    Live();
    return Files::Rename(from, to);
  }
  int Remove(const std::string& path) override {
    Live();
    return Files::Remove(path);
  }
  int MakeFolder(const std::string& path) override {
    Live();
    return Files::MakeFolder(path);
  }
  int SyncFolder(const std::string& path) override {
    Live();
    return Files::SyncFolder(path);
  }

 private:
  void Live() {
    if (left_.fetch_sub(1) == 1) kill(getpid(), SIGKILL);
  }
  std::atomic<int> left_;
};

// What the child has seen on disk before it died.
struct Shared {
  std::atomic<uint64_t> spooled{0};
};

class SpoolCrashTest : public ::testing::Test {
 protected:
  SpoolCrashTest() {
    void* const memory =
        mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared_ = new (memory) Shared();
  }
  ~SpoolCrashTest() override { munmap(shared_, sizeof(Shared)); }

  static NodeSetup Setup(const std::string& directory) {
    NodeSetup setup{.directory = directory};
    setup.limits.max_bytes = 1 << 20;  // files of 64 KiB: there are some
    setup.limits.fsync = Fsync::kEach;
    return setup;
  }

  // True: it came to its end.
  bool RunToDeath(const std::string& directory, int calls) {
    shared_->spooled = 0;
    const pid_t child = fork();
    if (child == 0) {
      NodeSetup setup = Setup(directory);
      setup.files = std::make_shared<DeadlyFiles>(calls);
      {
        Node node(setup);
        node.StartEpoch(Node::kEpoch, 1);
        for (uint64_t i = 0; i < kBursts; ++i) {
          node.Append(kRecordsInBurst, kPayloadBytes);
          if (!node.IsSpooled()) _exit(2);
          shared_->spooled = node.log().extent().last_sequence;
        }
      }
      _exit(0);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    const bool is_over = WIFEXITED(status);
    EXPECT_TRUE(!is_over || WEXITSTATUS(status) == 0) << status;
    return is_over;
  }

  Shared* shared_ = nullptr;
};

TEST_F(SpoolCrashTest, KilledAtAnyCallEverythingWrittenIsThereAndTheRestIsCounted) {
  int calls = 1;
  for (bool is_over = false; !is_over; ++calls) {
    const testing::TemporaryFolder folder;
    is_over = RunToDeath(folder.path(), calls);
    if (HasFailure()) return;

    Node node(Setup(folder.path()));
    // The kernel's numbers went on to here.
    node.StartEpoch(Node::kEpoch, kNumbers + 1);
    node.Append(10, kPayloadBytes);
    ASSERT_TRUE(node.IsSpooled());
    const std::vector<Seen> seen = node.Read(hub::StartAt{{Node::kEpoch, 0}});
    ASSERT_EQ(testing::Records(seen) + testing::Lost(seen), kNumbers + 10) << "call " << calls;
    ASSERT_GE(testing::Records(seen), shared_->spooled + 10) << "call " << calls;
    ASSERT_EQ(hub::testing::LostNumbers(seen, hub::LossStage::kDaemonRestart), testing::Lost(seen))
        << "call " << calls;
    ASSERT_TRUE(node.hub().problems().empty()) << node.hub().problems().front().description;
  }
  // There was something to die of.
  EXPECT_GT(calls, 20);
}

TEST_F(SpoolCrashTest, KilledWhileItRecoversTheNextOneRecovers) {
  for (int calls = 1; calls < 12; ++calls) {
    const testing::TemporaryFolder folder;
    ASSERT_FALSE(RunToDeath(folder.path(), 15));
    const uint64_t spooled = shared_->spooled;
    const pid_t child = fork();
    if (child == 0) {
      NodeSetup setup = Setup(folder.path());
      setup.files = std::make_shared<DeadlyFiles>(calls);
      {
        Node node(setup);
        node.StartEpoch(Node::kEpoch, kNumbers + 1);
        node.Append(10, kPayloadBytes);
        if (!node.IsSpooled()) _exit(2);
      }
      _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    Node node(Setup(folder.path()));
    node.StartEpoch(Node::kEpoch, kNumbers + 11);
    node.Append(1, kPayloadBytes);
    const std::vector<Seen> seen = node.Read(hub::StartAt{{Node::kEpoch, 0}});
    ASSERT_EQ(testing::Records(seen) + testing::Lost(seen), kNumbers + 11) << calls;
    ASSERT_GE(testing::Records(seen), spooled + 1) << calls;
  }
}

}  // namespace
}  // namespace kchan::spool
