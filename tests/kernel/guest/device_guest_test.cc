// SPDX-License-Identifier: Apache-2.0
// /dev/kchan: attaching, counters and poll.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "mapped_ring.h"
#include "testbed.h"

namespace kchan::guest {
namespace {

class DeviceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(testbed_.error, 0) << std::strerror(testbed_.error);
    PinToCpu(0);
  }

  ScopedModule testbed_{"kchan_testbed"};
  GenlSocket socket_;
};

TEST_F(DeviceTest, OtherMajorIsRefusedAndLearnsOurs) {
  RingFile file;
  kchan_attach request = RingFile::Request("test.shared", KCHAN_CPU_SHARED);
  request.abi_major = KCHAN_ABI_MAJOR + 1;
  EXPECT_EQ(file.Attach(&request), EPROTONOSUPPORT);
  EXPECT_EQ(request.abi_major, KCHAN_ABI_MAJOR);
  EXPECT_EQ(request.abi_minor, KCHAN_ABI_MINOR);
}

TEST_F(DeviceTest, NewerMinorIsServed) {
  RingFile file;
  kchan_attach request = RingFile::Request("test.shared", KCHAN_CPU_SHARED);
  request.abi_minor = KCHAN_ABI_MINOR + 1;
  EXPECT_EQ(file.Attach(&request), 0);
}

TEST_F(DeviceTest, MalformedRequestsAreRefused) {
  RingFile file;
  kchan_attach request = RingFile::Request("test.shared", KCHAN_CPU_SHARED);
  request.reserved[1] = 1;
  EXPECT_EQ(file.Attach(&request), EINVAL);
  request = RingFile::Request("test.shared", KCHAN_CPU_SHARED);
  request.role = KCHAN_ROLE_WRITER + 1;
  EXPECT_EQ(file.Attach(&request), EINVAL);
  request = RingFile::Request("test.shared", KCHAN_CPU_SHARED);
  std::memset(request.channel, 'a', sizeof(request.channel));
  EXPECT_EQ(file.Attach(&request), EINVAL);
  EXPECT_EQ(file.Attach(nullptr), EFAULT);
  EXPECT_EQ(ioctl(file.fd(), _IO(KCHAN_IOC_MAGIC, 99)), -1);
  EXPECT_EQ(errno, ENOTCONN);
  ASSERT_EQ(file.Attach("test.shared"), 0);
  EXPECT_EQ(ioctl(file.fd(), _IO(KCHAN_IOC_MAGIC, 99)), -1);
  EXPECT_EQ(errno, ENOTTY);
}

TEST_F(DeviceTest, RingsThatAreNotThereAreRefused) {
  RingFile file;
  EXPECT_EQ(file.Attach("test.nothing"), ENOENT);
  EXPECT_EQ(file.Attach("test.shared", 0), ENXIO);
  EXPECT_EQ(file.Attach("test.per_cpu", KCHAN_CPU_SHARED), ENXIO);
  EXPECT_EQ(file.Attach("test.per_cpu", 4095), ENXIO);
  EXPECT_EQ(file.Attach("test.genl"), EOPNOTSUPP);
  // Asking for what is not there enables nothing.
  EXPECT_EQ(StateOf(socket_, "test.per_cpu"), KCHAN_STATE_IDLE);
}

TEST_F(DeviceTest, FileWithoutWriteIsRefused) {
  RingFile file(O_RDONLY);
  EXPECT_EQ(file.Attach("test.shared"), EBADF);
}

TEST_F(DeviceTest, NothingWorksBeforeAttach) {
  RingFile file;
  kchan_ring_counters counters;
  EXPECT_EQ(file.ReadCounters(&counters), ENOTCONN);
  EXPECT_EQ(Mapping(file.fd(), KCHAN_PAGE_INFO, 1, PROT_READ).error(), ENOTCONN);
  EXPECT_TRUE(file.Poll() & POLLERR);
}

TEST_F(DeviceTest, OneReaderPerRingAndOneRingPerFile) {
  RingFile first, second;
  ASSERT_EQ(first.Attach("test.per_cpu", 0), 0);
  EXPECT_EQ(second.Attach("test.per_cpu", 0), EBUSY);
  EXPECT_EQ(first.Attach("test.per_cpu", 1), EALREADY);
  EXPECT_EQ(second.Attach("test.per_cpu", 1), 0);
  EXPECT_EQ(first.generation(), second.generation());
  first.Close();
  RingFile third;
  EXPECT_EQ(third.Attach("test.per_cpu", 0), 0);
}

TEST_F(DeviceTest, EnablesErrorIsTheAttachsAndLeavesNothing) {
  ASSERT_EQ(
      socket_
          .Do(KCHAN_CMD_CHANNEL_SET, Named("test.shared").Nest(KCHAN_A_PARAM, Param("refuse", EIO)))
          .error,
      0);
  RingFile file;
  EXPECT_EQ(file.Attach("test.shared"), EIO);
  EXPECT_EQ(StateOf(socket_, "test.shared"), KCHAN_STATE_IDLE);
  ASSERT_EQ(
      socket_
          .Do(KCHAN_CMD_CHANNEL_SET, Named("test.shared").Nest(KCHAN_A_PARAM, Param("refuse", 0)))
          .error,
      0);
  EXPECT_EQ(file.Attach("test.shared"), 0);
}

TEST_F(DeviceTest, InfoPageSaysWhatAttachSaid) {
  Reader reader("test.per_cpu", 1);
  ASSERT_EQ(reader.error, 0);
  EXPECT_EQ(reader.info().magic, KCHAN_INFO_MAGIC);
  EXPECT_EQ(reader.info().abi_major, KCHAN_ABI_MAJOR);
  EXPECT_EQ(reader.info().generation, reader.file.generation());
  EXPECT_NE(reader.info().generation, 0u);
  EXPECT_EQ(reader.info().data_bytes, reader.file.data_bytes());
  EXPECT_EQ(reader.info().cpu, 1u);
  EXPECT_EQ(reader.info().state, KCHAN_STATE_LIVE);
  EXPECT_STREQ(const_cast<const char*>(reader.info().channel), "test.per_cpu");
}

TEST_F(DeviceTest, EveryFormOfWritingIsCounted) {
  Reader reader("test.per_cpu", 0);
  ASSERT_EQ(reader.error, 0);
  for (const Form form : {Form::kEmit, Form::kCommit, Form::kDiscard, Form::kHardirq}) {
    ASSERT_EQ(WriteRecords(socket_, "test.per_cpu", {.count = 5, .length = 30, .form = form}), 0);
  }
  const kchan_ring_counters counters = reader.file.Counters();
  EXPECT_EQ(counters.records, 15u);
  EXPECT_EQ(counters.discarded, 5u);
  EXPECT_EQ(counters.lost, 0u);
  EXPECT_EQ(reader.producer().producer_pos, 20 * RecordBytes(30));
  EXPECT_EQ(reader.producer().producer_seq, 15u);
}

TEST_F(DeviceTest, FullRingLosesExactlyTheRest) {
  for (const std::string channel : {"test.per_cpu", "test.shared"}) {
    Reader reader(channel, channel == "test.shared" ? KCHAN_CPU_SHARED : 0);
    ASSERT_EQ(reader.error, 0);
    const uint64_t fit = reader.file.data_bytes() / RecordBytes(100);
    EXPECT_EQ(WriteRecords(socket_, channel, {.count = uint32_t(fit + 7), .length = 100}), ENOBUFS);
    EXPECT_EQ(WriteRecords(socket_, channel, {.count = 2, .length = 4097}), EMSGSIZE);
    const kchan_ring_counters counters = reader.file.Counters();
    EXPECT_EQ(counters.records, fit) << channel;
    EXPECT_EQ(counters.lost, 9u) << channel;
    EXPECT_EQ(counters.lost_full, 7u) << channel;
    EXPECT_EQ(counters.lost_oversize, 2u) << channel;
  }
}

TEST_F(DeviceTest, PolicyThatSleepsRefusesAndCountsWriterThatCannot) {
  for (const std::string channel : {"test.mutex", "test.semaphore"}) {
    Reader reader(channel, channel == "test.semaphore" ? KCHAN_CPU_SHARED : 0);
    ASSERT_EQ(reader.error, 0);
    EXPECT_EQ(WriteRecords(socket_, channel, {.count = 3}), 0);
    EXPECT_EQ(WriteRecords(socket_, channel, {.count = 2, .form = Form::kHardirq}), EBUSY);
    const kchan_ring_counters counters = reader.file.Counters();
    EXPECT_EQ(counters.records, 3u) << channel;
    EXPECT_EQ(counters.lost_contended, 2u) << channel;
  }
}

TEST_F(DeviceTest, PollSaysReadableFromWakePosOn) {
  Reader reader("test.shared");
  ASSERT_EQ(reader.error, 0);
  reader.consumer().wake_pos = RecordBytes(8) + 1;
  EXPECT_EQ(reader.file.Poll(), 0);
  ASSERT_EQ(WriteRecords(socket_, "test.shared", {}), 0);
  EXPECT_EQ(reader.file.Poll(), 0);
  ASSERT_EQ(WriteRecords(socket_, "test.shared", {}), 0);
  EXPECT_EQ(reader.file.Poll(), POLLIN);
  EXPECT_EQ(reader.file.Counters().wakeups, 1u);
}

TEST_F(DeviceTest, PollSaysLostUntilItIsSeen) {
  Reader reader("test.shared");
  ASSERT_EQ(reader.error, 0);
  reader.consumer().wake_pos = ~0ULL;
  EXPECT_EQ(WriteRecords(socket_, "test.shared", {.length = 5000}), EMSGSIZE);
  EXPECT_EQ(reader.file.Poll(), POLLPRI);
  reader.consumer().lost_seen = 1;
  EXPECT_EQ(reader.file.Poll(), 0);
}

TEST_F(DeviceTest, SleepingReaderIsWoken) {
  for (const bool lost : {false, true}) {
    Reader reader("test.shared");
    ASSERT_EQ(reader.error, 0);
    reader.consumer().wake_pos = reader.producer().producer_pos + 1;
    std::atomic<short> events = 0;
    std::thread sleeper([&] { events = reader.file.Poll(10'000); });
    WriteRecords(socket_, "test.shared", {.length = lost ? 5000u : 8u});
    sleeper.join();
    EXPECT_EQ(events, lost ? POLLPRI : POLLIN);
    reader.consumer().lost_seen = reader.file.Counters().lost;
  }
}

}  // namespace
}  // namespace kchan::guest
