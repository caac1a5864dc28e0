// SPDX-License-Identifier: Apache-2.0
// Records through relay buffers: each CPU's file gives whole frames, and their
// numbers add up, whoever wins when a buffer is full.
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "frames.h"
#include "testbed.h"

namespace kchan::guest {
namespace {

constexpr char kKeep[] = "test.relay";
constexpr char kOverwrite[] = "test.relay.overwrite";

std::string Folder(const std::string& channel) { return "/sys/kernel/debug/kchan/" + channel; }

// One CPU's file.
class RelayFile {
 public:
  RelayFile(const std::string& channel, int cpu)
      : fd_(open((Folder(channel) + "/cpu" + std::to_string(cpu)).c_str(), O_RDONLY | O_CLOEXEC)),
        error_(fd_ < 0 ? errno : 0) {}
  ~RelayFile() {
    if (fd_ >= 0) close(fd_);
  }
  RelayFile(const RelayFile&) = delete;
  RelayFile& operator=(const RelayFile&) = delete;

  // What there is now, at most `bytes`.
  std::string Read(size_t bytes = 1 << 20) {
    std::string buffer(bytes, '\0');
    const ssize_t got = read(fd_, buffer.data(), buffer.size());
    error_ = got < 0 ? errno : 0;
    buffer.resize(got < 0 ? 0 : size_t(got));
    return buffer;
  }
  short Poll(int timeout_ms = 0) const {
    pollfd polled{.fd = fd_, .events = POLLIN, .revents = 0};
    poll(&polled, 1, timeout_ms);
    return polled.revents;
  }
  int fd() const { return fd_; }
  int error() const { return error_; }

 private:
  int fd_;
  int error_;
};

class RelayTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(testbed_.error, 0) << std::strerror(testbed_.error);
    PinToCpu(0);
  }

  Answer Enable(const std::string& channel) {
    Answer answer = socket_.Do(KCHAN_CMD_ENABLE, Named(channel));
    EXPECT_EQ(answer.error, 0) << answer.text;
    return answer;
  }

  // By this thread's CPU.
  int Write(GenlSocket& socket, const std::string& channel, const guest::Write& write) {
    return WriteRecords(socket, channel + ".write", write);
  }
  int Write(const std::string& channel, const guest::Write& write) {
    return Write(socket_, channel, write);
  }

  // The counters of one CPU's buffer.
  Parsed Stats(const std::string& channel, uint32_t cpu) {
    const Answer answer = socket_.Do(KCHAN_CMD_STATS_GET, Named(channel));
    if (answer.error != 0 || answer.messages.empty()) return {};
    for (const Parsed& stats : answer.messages[0].attributes.Nests(KCHAN_A_RING_STATS)) {
      if (stats.U32(KCHAN_STATS_A_CPU) == cpu) return stats;
    }
    return {};
  }

  ScopedModule testbed_{"kchan_testbed"};
  GenlSocket socket_;
};

TEST_F(RelayTest, DescribesItself) {
  const Parsed keep = GetChannel(socket_, kKeep);
  EXPECT_EQ(keep.U32(KCHAN_A_TRANSPORT), uint32_t(KCHAN_TRANSPORT_RELAY));
  EXPECT_EQ(keep.U32(KCHAN_A_LAYOUT), uint32_t(KCHAN_LAYOUT_PER_CPU));
  EXPECT_EQ(keep.U32(KCHAN_A_DIRECTION), uint32_t(KCHAN_DIRECTION_TO_USER));
  EXPECT_EQ(keep.String(KCHAN_A_PATH), Folder(kKeep));
  EXPECT_FALSE(keep.Has(KCHAN_A_OVERWRITE));
  EXPECT_TRUE(GetChannel(socket_, kOverwrite).Has(KCHAN_A_OVERWRITE));
}

TEST_F(RelayTest, FilesAreThereWhileItIsEnabled) {
  EXPECT_EQ(RelayFile(kKeep, 0).error(), ENOENT);
  EXPECT_NE(Enable(kKeep).messages[0].attributes.U64(KCHAN_A_GENERATION), 0u);
  EXPECT_EQ(RelayFile(kKeep, 0).error(), 0);
  EXPECT_EQ(RelayFile(kKeep, 1).error(), 0);
  socket_.Do(KCHAN_CMD_CHANNEL_SET, Named(kKeep).U32(KCHAN_A_LINGER_MS, 1));
  ASSERT_EQ(socket_.Do(KCHAN_CMD_DISABLE, Named(kKeep)).error, 0);
  EXPECT_TRUE(Eventually([] { return access(Folder(kKeep).c_str(), F_OK) != 0; }));
  // Once more: a new generation, new files of the same names.
  Enable(kKeep);
  EXPECT_EQ(RelayFile(kKeep, 1).error(), 0);
}

TEST_F(RelayTest, FrameCarriesAllOfTheRecord) {
  Enable(kKeep);
  PinToCpu(1);
  ASSERT_EQ(Write(kKeep, {.count = 1, .length = 13}), 0);
  RelayFile file(kKeep, 1);
  const std::string bytes = file.Read();
  ASSERT_EQ(bytes.size(), FrameBytes(13));
  kchan_frame frame;
  std::memcpy(&frame, bytes.data(), sizeof(frame));
  EXPECT_EQ(frame.magic, KCHAN_FRAME_MAGIC);
  EXPECT_EQ(frame.length, 13u);
  EXPECT_EQ(frame.type, kWrittenType);
  EXPECT_EQ(frame.flags, 0u);
  EXPECT_EQ(frame.cpu, 1u);
  EXPECT_GT(frame.boottime_ns, 0u);
  EXPECT_EQ(frame.sequence, 1u);
  EXPECT_EQ(RelayFile(kKeep, 0).Read(), "");
}

TEST_F(RelayTest, ReaderHasItsFileAlone) {
  Enable(kKeep);
  auto first = std::make_unique<RelayFile>(kKeep, 0);
  ASSERT_EQ(first->error(), 0);
  EXPECT_EQ(RelayFile(kKeep, 0).error(), EBUSY);
  EXPECT_EQ(RelayFile(kKeep, 1).error(), 0);
  first.reset();
  EXPECT_EQ(RelayFile(kKeep, 0).error(), 0);
}

TEST_F(RelayTest, NextReaderGoesOnBehindTheLast) {
  Enable(kKeep);
  ASSERT_EQ(Write(kKeep, {.count = 5, .length = 64}), 0);
  FrameFollower follower;
  follower.Take(RelayFile(kKeep, 0).Read(2 * FrameBytes(64)));
  EXPECT_EQ(follower.received, 2u);
  EXPECT_EQ(Stats(kKeep, 0).U64(KCHAN_STATS_A_READ_SEQUENCE), 2u);
  follower.Take(RelayFile(kKeep, 0).Read());
  EXPECT_EQ(follower.received, 5u);
  EXPECT_EQ(follower.lost, 0u);
}

TEST_F(RelayTest, ReadGivesWholeFramesOnly) {
  Enable(kKeep);
  ASSERT_EQ(Write(kKeep, {.count = 2, .length = 100}), 0);
  RelayFile file(kKeep, 0);
  EXPECT_EQ(file.Read(FrameBytes(100) - 1), "");
  EXPECT_EQ(file.error(), EMSGSIZE);
  EXPECT_EQ(file.Read(2 * FrameBytes(100) - 1).size(), FrameBytes(100));
  EXPECT_EQ(file.Read().size(), FrameBytes(100));
  EXPECT_EQ(file.Read(), "");
  EXPECT_EQ(file.error(), 0);
  // Where nothing can be stored, nothing is read.
  ASSERT_EQ(Write(kKeep, {}), 0);
  EXPECT_EQ(syscall(SYS_read, file.fd(), nullptr, 4096), -1);
  EXPECT_EQ(errno, EFAULT);
  EXPECT_EQ(file.Read().size(), FrameBytes(8));
}

// A record in a sub-buffer that is far from full wakes the one who waits.
TEST_F(RelayTest, OneRecordWakesTheReader) {
  Enable(kKeep);
  RelayFile file(kKeep, 1);
  for (const Form form : {Form::kEmit, Form::kHardirq}) {
    EXPECT_EQ(file.Poll(), 0);
    std::atomic<bool> woken = false;
    std::thread reader([&] {
      EXPECT_EQ(file.Poll(10'000), POLLIN);
      woken = true;
    });
    PinToCpu(1);
    ASSERT_EQ(Write(kKeep, {.count = 1, .length = 8, .form = form}), 0);
    EXPECT_TRUE(Eventually([&] { return woken.load(); }));
    reader.join();
    EXPECT_EQ(file.Read().size(), FrameBytes(8));
  }
}

TEST_F(RelayTest, FullBufferLosesTheNewRecords) {
  Enable(kKeep);
  RelayFile file(kKeep, 0);
  FrameFollower follower;
  EXPECT_EQ(Write(kKeep, {.count = 3000, .length = 64}), ENOBUFS);
  follower.Take(file.Read());
  const uint64_t kept = follower.received;
  EXPECT_GT(kept, 100u);
  EXPECT_LT(kept, 400u);
  // The oldest were kept; the rest is told though no record follows.
  EXPECT_EQ(follower.sequence, 3000u);
  EXPECT_EQ(follower.told, 3000 - kept);
  ASSERT_EQ(Write(kKeep, {.count = 10, .length = 64}), 0);
  follower.Take(file.Read());
  EXPECT_EQ(follower.received, kept + 10);
  EXPECT_EQ(follower.received + follower.lost, 3010u);
  const Parsed stats = Stats(kKeep, 0);
  EXPECT_EQ(stats.U64(KCHAN_STATS_A_RECORDS), follower.received);
  EXPECT_EQ(stats.U64(KCHAN_STATS_A_BYTES), follower.received * FrameBytes(64));
  EXPECT_EQ(stats.U64(KCHAN_STATS_A_LOST), follower.lost);
  EXPECT_EQ(stats.U64(KCHAN_STATS_A_LOST_FULL), follower.lost);
}

TEST_F(RelayTest, OverwrittenRecordsAreAGap) {
  Enable(kOverwrite);
  RelayFile file(kOverwrite, 0);
  FrameFollower follower;
  EXPECT_EQ(Write(kOverwrite, {.count = 3000, .length = 64}), 0);
  follower.Take(file.Read());
  // The newest were kept.
  EXPECT_EQ(follower.sequence, 3000u);
  EXPECT_GT(follower.received, 100u);
  EXPECT_LT(follower.received, 400u);
  EXPECT_EQ(follower.received + follower.lost, 3000u);
  EXPECT_EQ(follower.told, 0u);
  EXPECT_EQ(Stats(kOverwrite, 0).U64(KCHAN_STATS_A_LOST), 0u);
}

TEST_F(RelayTest, LossWakesTheReaderAndIsTold) {
  Enable(kKeep);
  RelayFile file(kKeep, 1);
  EXPECT_EQ(file.Poll(), 0);
  std::thread reader([&] { EXPECT_EQ(file.Poll(10'000), POLLIN); });
  PinToCpu(1);
  EXPECT_EQ(Write(kKeep, {.count = 3, .length = 5000}), EMSGSIZE);
  reader.join();
  FrameFollower follower;
  EXPECT_EQ(file.Read(sizeof(kchan_frame) - 1), "");
  EXPECT_EQ(file.error(), EMSGSIZE);
  follower.Take(file.Read());
  EXPECT_EQ(follower.told, 3u);
  EXPECT_EQ(file.Read(), "");
  EXPECT_EQ(Stats(kKeep, 1).U64(KCHAN_STATS_A_LOST_OVERSIZE), 3u);
}

// Lengths of all kinds, so that sub-buffers end in padding of all kinds.
TEST_F(RelayTest, NoFrameCrossesASubBuffer) {
  Enable(kKeep);
  RelayFile file(kKeep, 0);
  FrameFollower follower;
  uint64_t attempts = 0;
  for (uint32_t length = 8; length <= 4096; length += 37) {
    ASSERT_EQ(Write(kKeep, {.count = 3, .length = length}), 0);
    attempts += 3;
    ASSERT_NO_FATAL_FAILURE(follower.Take(file.Read()));
    ASSERT_EQ(follower.received, attempts);
  }
  EXPECT_EQ(follower.lost, 0u);
}

// Writers on two CPUs, in tasks and interrupts, and readers that are too slow:
// each CPU's frames are whole and in order, and what is missing was counted.
class RelayLoadTest : public RelayTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(RelayLoadTest, EachCpusNumbersAddUp) {
  constexpr uint32_t kBursts = 60, kBurst = 500;
  const std::string channel = GetParam();
  Enable(channel);
  FrameFollower followers[2];
  std::atomic<int> writing = 2;
  std::vector<std::thread> threads;
  for (int cpu = 0; cpu < 2; cpu++) {
    followers[cpu].numbers_are_counters = false;
    threads.emplace_back([&, cpu] {
      RelayFile file(channel, cpu);
      ASSERT_EQ(file.error(), 0);
      while (writing > 0 || file.Poll() == POLLIN) {
        file.Poll(50);
        ASSERT_NO_FATAL_FAILURE(followers[cpu].Take(file.Read(16384)));
      }
    });
    threads.emplace_back([&, cpu] {
      PinToCpu(cpu);
      GenlSocket socket;
      for (uint32_t burst = 0; burst < kBursts; burst++) {
        Write(socket, channel,
              {.count = kBurst,
               .length = 8 + burst * 7,
               .form = burst % 2 ? Form::kHardirq : Form::kEmit});
      }
      writing--;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int cpu = 0; cpu < 2; cpu++) {
    SCOPED_TRACE(cpu);
    const FrameFollower& follower = followers[cpu];
    EXPECT_EQ(follower.sequence, kBursts * kBurst);
    EXPECT_EQ(follower.received + follower.lost, kBursts * kBurst);
    EXPECT_GT(follower.received, 0u);
    const Parsed stats = Stats(channel, cpu);
    EXPECT_EQ(stats.U64(KCHAN_STATS_A_RECORDS) + stats.U64(KCHAN_STATS_A_LOST), kBursts * kBurst);
    if (channel == kKeep) {
      EXPECT_EQ(stats.U64(KCHAN_STATS_A_RECORDS), follower.received);
      EXPECT_EQ(stats.U64(KCHAN_STATS_A_LOST_FULL), follower.lost);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Both, RelayLoadTest, ::testing::Values(kKeep, kOverwrite),
                         [](const auto& tested) {
                           return tested.param == kKeep ? "Keep" : "Overwrite";
                         });

TEST_F(RelayTest, ProviderGoesWhileItIsRead) {
  Enable(kKeep);
  RelayFile file(kKeep, 0);
  ASSERT_EQ(Write(kKeep, {.count = 7, .length = 64}), 0);
  FrameFollower follower;
  follower.Take(file.Read(FrameBytes(64)));
  std::thread waiter([&] {
    pollfd polled{.fd = file.fd(), .events = 0, .revents = 0};
    EXPECT_EQ(poll(&polled, 1, 10'000), 1);
    EXPECT_EQ(polled.revents, POLLHUP);
  });
  ASSERT_EQ(UnloadModule("kchan_testbed"), 0);
  waiter.join();
  EXPECT_NE(access(Folder(kKeep).c_str(), F_OK), 0);
  // What is left can still be read; the core cannot go meanwhile.
  EXPECT_EQ(file.Poll(), POLLIN | POLLHUP);
  EXPECT_EQ(UnloadModule("kchan"), EWOULDBLOCK);
  follower.Take(file.Read());
  EXPECT_EQ(follower.received, 7u);
  EXPECT_EQ(file.Read(), "");
  EXPECT_EQ(file.error(), 0);
  EXPECT_EQ(file.Poll(), POLLHUP);
}

TEST_F(RelayTest, OldGenerationCanBeReadBesideTheNew) {
  socket_.Do(KCHAN_CMD_CHANNEL_SET, Named(kKeep).U32(KCHAN_A_LINGER_MS, 1));
  Enable(kKeep);
  ASSERT_EQ(Write(kKeep, {.count = 2, .length = 64}), 0);
  RelayFile old(kKeep, 0);
  socket_.Do(KCHAN_CMD_DISABLE, Named(kKeep));
  ASSERT_TRUE(Eventually([&] { return StateOf(socket_, kKeep) == KCHAN_STATE_IDLE; }));
  EXPECT_FALSE(Stats(kKeep, 0).Has(KCHAN_STATS_A_CPU));
  Enable(kKeep);
  ASSERT_EQ(Write(kKeep, {.count = 1, .length = 8}), 0);
  EXPECT_EQ(RelayFile(kKeep, 0).Read().size(), FrameBytes(8));
  EXPECT_EQ(old.Read().size(), 2 * FrameBytes(64));
  EXPECT_EQ(old.Poll(), POLLHUP);
}

TEST_F(RelayTest, KilledReaderLeavesTheFileToTheNext) {
  Enable(kKeep);
  ASSERT_EQ(Write(kKeep, {.count = 3, .length = 64}), 0);
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    RelayFile file(kKeep, 0);
    file.Read(FrameBytes(64));
    [[maybe_unused]] const ssize_t told = write(ready[1], "!", 1);
    for (;;) pause();
  }
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_EQ(RelayFile(kKeep, 0).error(), EBUSY);
  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  FrameFollower follower{.sequence = 1};
  follower.Take(RelayFile(kKeep, 0).Read());
  EXPECT_EQ(follower.received, 2u);
  EXPECT_EQ(follower.lost, 0u);
  close(ready[0]);
  close(ready[1]);
}

TEST_F(RelayTest, SmallBudgetMakesFewerSubBuffers) {
  // Not the eight that are the default: three that hold one frame each.
  const uint64_t smallest = KCHAN_MIN_RING_BYTES * sysconf(_SC_NPROCESSORS_CONF);
  ASSERT_EQ(
      socket_.Do(KCHAN_CMD_CHANNEL_SET, Named(kKeep).U64(KCHAN_A_BUDGET_BYTES, smallest)).error, 0);
  Enable(kKeep);
  EXPECT_EQ(Write(kKeep, {.count = 3, .length = 4096}), 0);
  EXPECT_EQ(Write(kKeep, {.count = 1, .length = 4096}), ENOBUFS);
}

}  // namespace
}  // namespace kchan::guest
