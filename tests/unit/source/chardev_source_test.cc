// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/chardev_source.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "bridge/source/frame_writer.h"
#include "tests/unit/hub/log_testing.h"
#include "tests/unit/source/frame_testing.h"
#include "tests/unit/source/source_testing.h"

namespace kchan::testing {
namespace {

using source::ChardevSource;
using source::UniqueFd;

// A file that gives what the test writes: a datagram is one read().
class ChardevSourceTest : public ::testing::Test {
 protected:
  void Start(uint64_t read_before) {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    kernel_ = UniqueFd(ends[0]);
    source_ =
        std::make_unique<ChardevSource>(loop_.loop(), UniqueFd(ends[1]), "test", 77, read_before);
    loop_.Run([&] {
      log_.StartEpoch(1, 1, source_->next_sequence());
      source_->Start(log_, [&](absl::Status status) { end_ = std::move(status); });
    });
  }
  ~ChardevSourceTest() override {
    loop_.Run([&] { source_.reset(); });
  }
  void Give(const std::string& frames) {
    ASSERT_EQ(write(kernel_.get(), frames.data(), frames.size()),
              static_cast<ssize_t>(frames.size()));
  }
  hub::LogExtent extent() const { return log_.extent(); }
  uint64_t lost() const { return extent().lost[static_cast<size_t>(hub::LossStage::kKernelRing)]; }

  LoopThread loop_;
  hub::Log log_{{}, std::make_shared<hub::MemoryUse>()};
  UniqueFd kernel_;
  std::unique_ptr<ChardevSource> source_;
  std::optional<absl::Status> end_;
};

TEST_F(ChardevSourceTest, GoesOnBehindWhatWasReadBefore) {
  Start(41);
  EXPECT_EQ(source_->generation(), 77u);
  Give(FrameText(42, "a") + FrameText(43, "b"));
  EXPECT_TRUE(Eventually([&] { return extent().last_sequence == 43; }));
  EXPECT_EQ(extent().records, 2u);
  EXPECT_EQ(lost(), 0u);
}

TEST_F(ChardevSourceTest, AGapIsAsManyLost) {
  Start(0);
  Give(FrameText(3, "a"));
  Give(FrameText(10, "b"));
  EXPECT_TRUE(Eventually([&] { return extent().last_sequence == 10; }));
  EXPECT_EQ(extent().records, 2u);
  EXPECT_EQ(lost(), 8u);
}

TEST_F(ChardevSourceTest, LossesWithoutARecordBehindThemAreTold) {
  Start(0);
  Give(FrameText(1, "a") + LostText(5));
  EXPECT_TRUE(Eventually([&] { return extent().last_sequence == 5; }));
  EXPECT_EQ(lost(), 4u);
  // Told again, or late: the number is behind.
  Give(LostText(5) + FrameText(4, "late") + FrameText(6, "b"));
  EXPECT_TRUE(Eventually([&] { return extent().last_sequence == 6; }));
  EXPECT_EQ(extent().records, 2u);
  EXPECT_EQ(lost(), 4u);
}

TEST_F(ChardevSourceTest, TheEndOfTheFileIsTheEnd) {
  Start(0);
  Give(FrameText(1, "a"));
  shutdown(kernel_.get(), SHUT_RDWR);
  kernel_.Reset();
  EXPECT_TRUE(loop_.Eventually([&] { return end_.has_value(); }));
  EXPECT_TRUE(end_->ok()) << *end_;
  EXPECT_EQ(extent().records, 1u);
}

TEST(FrameWriterTest, WritesOneFrameForEachRecord) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
  const UniqueFd kernel(ends[0]);
  source::FrameWriter writer(UniqueFd(ends[1]), "test");
  const std::string payload = "hello";
  EXPECT_TRUE(writer.Submit(3, std::as_bytes(std::span(payload))).status.ok());
  char bytes[256];
  std::string expected = FrameText(0, payload, 3);
  ASSERT_EQ(read(kernel.get(), bytes, sizeof(bytes)), static_cast<ssize_t>(expected.size()));
  EXPECT_EQ(std::string(bytes, expected.size()), expected);
}

TEST(FrameWriterTest, ARefusalIsTheErrno) {
  const UniqueFd full(open("/dev/full", O_WRONLY));
  ASSERT_TRUE(full);
  source::FrameWriter writer(UniqueFd(dup(full.get())), "test");
  const hub::KernelAnswer answer = writer.Submit(1, {});
  EXPECT_EQ(answer.kernel_errno, ENOSPC);
  EXPECT_TRUE(absl::IsResourceExhausted(answer.status)) << answer.status;
  EXPECT_TRUE(writer.healthy());
}

}  // namespace
}  // namespace kchan::testing
