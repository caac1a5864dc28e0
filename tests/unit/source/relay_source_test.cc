// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/relay_source.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <optional>
#include <set>
#include <string>

#include "tests/unit/hub/log_testing.h"
#include "tests/unit/source/frame_testing.h"
#include "tests/unit/source/source_testing.h"

namespace kchan::testing {
namespace {

using source::RelayFiles;
using source::RelaySource;
using source::UniqueFd;

// Buffers that give what the test writes.
class FakeRelay {
 public:
  FakeRelay() : folder_(eventfd(0, EFD_NONBLOCK)) {}

  void Add(uint32_t cpu, uint64_t read_sequence = 0) {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    kernel_[cpu] = UniqueFd(ends[0]);
    reader_[cpu] = UniqueFd(ends[1]);
    sequences_[cpu] = read_sequence;
  }
  void Announce() {
    const uint64_t one = 1;
    ASSERT_EQ(write(folder_.get(), &one, sizeof(one)), 8);
  }
  void Give(uint32_t cpu, const std::string& frames) {
    ASSERT_EQ(write(kernel_.at(cpu).get(), frames.data(), frames.size()),
              static_cast<ssize_t>(frames.size()));
  }
  void Close() {
    for (auto& [cpu, fd] : kernel_) fd.Reset();
  }
  void RefuseOnce(uint32_t cpu) { refuse_.insert(cpu); }

  class Files;
  std::unique_ptr<RelayFiles> files();

 private:
  std::map<uint32_t, UniqueFd> kernel_;
  std::map<uint32_t, UniqueFd> reader_;
  std::map<uint32_t, uint64_t> sequences_;
  std::set<uint32_t> refuse_;
  UniqueFd folder_;
};

class FakeRelay::Files final : public RelayFiles {
 public:
  explicit Files(FakeRelay& relay) : relay_(relay) {}
  uint64_t generation() const override { return 5; }
  absl::StatusOr<std::vector<uint32_t>> Cpus() override {
    std::vector<uint32_t> cpus;
    for (const auto& [cpu, fd] : relay_.reader_) cpus.push_back(cpu);
    return cpus;
  }
  absl::StatusOr<UniqueFd> Open(uint32_t cpu) override {
    if (relay_.refuse_.erase(cpu) != 0) return absl::UnavailableError("just being made");
    return UniqueFd(dup(relay_.reader_.at(cpu).get()));
  }
  absl::StatusOr<std::map<uint32_t, uint64_t>> ReadSequences() override {
    return relay_.sequences_;
  }
  int folder_fd() const override { return relay_.folder_.get(); }
  void ClearFolderEvents() override {
    uint64_t ignored;
    EXPECT_EQ(read(relay_.folder_.get(), &ignored, sizeof(ignored)), 8);
  }

 private:
  FakeRelay& relay_;
};

std::unique_ptr<RelayFiles> FakeRelay::files() { return std::make_unique<Files>(*this); }

class RelaySourceTest : public ::testing::Test {
 protected:
  void Start() {
    loop_.Run([&] {
      auto source = RelaySource::Attach(loop_.loop(), relay_.files(), "test", false);
      ASSERT_TRUE(source.ok()) << source.status();
      source_ = *std::move(source);
      next_ = source_->next_sequence();
      log_.StartEpoch(1, 1, next_);
      source_->Start(log_, [&](absl::Status status) { end_ = std::move(status); });
    });
  }
  ~RelaySourceTest() override {
    loop_.Run([&] { source_.reset(); });
  }
  hub::LogExtent extent() const { return log_.extent(); }
  uint64_t lost(hub::LossStage stage) const { return extent().lost[static_cast<size_t>(stage)]; }

  LoopThread loop_;
  hub::Log log_{{}, std::make_shared<hub::MemoryUse>()};
  FakeRelay relay_;
  std::unique_ptr<source::RecordSource> source_;
  uint64_t next_ = 0;
  std::optional<absl::Status> end_;
};

TEST_F(RelaySourceTest, NumbersGoOnBehindWhatWasReadOfAllCpus) {
  relay_.Add(0, 10);
  relay_.Add(3, 5);
  Start();
  EXPECT_EQ(next_, 16u);
  relay_.Give(0, FrameText(11, "a"));
  relay_.Give(3, FrameText(6, "b", 1, 3) + FrameText(7, "c", 1, 3));
  EXPECT_TRUE(Eventually([&] { return extent().last_sequence == 18; }));
  EXPECT_EQ(extent().records, 3u);
}

TEST_F(RelaySourceTest, GapsAreOfTheirCpuAndExact) {
  relay_.Add(0);
  relay_.Add(1);
  Start();
  relay_.Give(0, FrameText(3, "a"));                // 2 lost
  relay_.Give(1, FrameText(1, "b") + LostText(4));  // 3 lost
  EXPECT_TRUE(Eventually([&] { return extent().last_sequence == 7; }));
  EXPECT_EQ(extent().records, 2u);
  EXPECT_EQ(lost(hub::LossStage::kKernelRing), 5u);
}

TEST_F(RelaySourceTest, ACpuThatComesUpIsReadToo) {
  relay_.Add(0);
  Start();
  relay_.RefuseOnce(2);
  relay_.Add(2);
  relay_.Announce();
  relay_.Give(2, FrameText(1, "late"));
  EXPECT_TRUE(Eventually([&] { return extent().records == 1; }));
}

TEST_F(RelaySourceTest, ItEndsWhenAllBuffersAreClosedAndEmpty) {
  relay_.Add(0);
  relay_.Add(1);
  Start();
  relay_.Give(0, FrameText(1, "a"));
  relay_.Give(1, FrameText(1, "b") + FrameText(2, "c"));
  relay_.Close();
  EXPECT_TRUE(loop_.Eventually([&] { return end_.has_value(); }));
  EXPECT_TRUE(end_->ok()) << *end_;
  EXPECT_EQ(extent().records, 3u);
}

TEST(FindDebugfsTest, FindsWhereItIsMounted) {
  EXPECT_EQ(
      source::FindDebugfs("23 28 0:21 / /sys rw - sysfs sysfs rw\n"
                          "31 23 0:7 / /host/debug rw,nosuid shared:1 - debugfs debugfs rw\n"),
      "/host/debug");
  // A part of it is not enough.
  EXPECT_EQ(source::FindDebugfs("31 23 0:7 /kchan /d rw - debugfs debugfs rw\n"), "");
  EXPECT_EQ(source::FindDebugfs(""), "");
  EXPECT_EQ(source::FindDebugfs("nonsense\n - debugfs"), "");
}

}  // namespace
}  // namespace kchan::testing
