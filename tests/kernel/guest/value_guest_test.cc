// SPDX-License-Identifier: Apache-2.0
// Values: what one reader, or one writer, sees of them.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <thread>

#include "value_testing.h"

namespace kchan::guest {
namespace {

class ValueTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(testbed_.error, 0) << std::strerror(testbed_.error);
    ASSERT_EQ(file_.Attach("test.value.free"), 0);
  }

  const ScopedModule testbed_{"kchan_testbed_value"};
  GenlSocket socket_;
  ValueFile file_;
};

class EveryPolicyTest : public ::testing::TestWithParam<Values> {
 protected:
  void SetUp() override {
    ASSERT_EQ(testbed_.error, 0) << std::strerror(testbed_.error);
    ASSERT_EQ(file_.Attach(NameOf(GetParam())), 0);
  }

  const ScopedModule testbed_{"kchan_testbed_value"};
  GenlSocket socket_;
  ValueFile file_;
};

TEST_F(ValueTest, ChannelDescribesItself) {
  const Parsed channel = GetChannel(socket_, "test.value.spin");
  EXPECT_EQ(channel.U32(KCHAN_A_TRANSPORT), KCHAN_TRANSPORT_VALUE);
  EXPECT_EQ(channel.U32(KCHAN_A_VOLUME), KCHAN_VOLUME_VALUE);
  EXPECT_EQ(channel.U32(KCHAN_A_POLICY), KCHAN_POLICY_SPINLOCK);
  EXPECT_EQ(channel.String(KCHAN_A_PATH), "/sys/class/kchan/test.value.spin/values");
  EXPECT_EQ(channel.U32(KCHAN_A_STATE), KCHAN_STATE_IDLE);
  EXPECT_EQ(StateOf(socket_, "test.value.free"), KCHAN_STATE_LIVE);
  EXPECT_TRUE(socket_.Do(KCHAN_CMD_NODE_GET, {}).messages[0].attributes.U64(KCHAN_A_FEATURES) &
              KCHAN_FEATURE_VALUE);
}

TEST_F(ValueTest, WordsLiveWhileNobodyLooks) {
  file_.Close();
  ASSERT_EQ(ModuleChanges(socket_, {.channel = Values::kSpin, .word = 1, .operand = 7}), 0);
  EXPECT_EQ(StateOf(socket_, "test.value.spin"), KCHAN_STATE_IDLE);
  EXPECT_EQ(ValueAttribute("test.value.spin", "second").Read(), "7");
  ValueFile file;
  ASSERT_EQ(file.Attach("test.value.spin"), 0);
  EXPECT_EQ(file.Read().words[1], 7u);
  EXPECT_EQ(file.Read().version, 2u);
}

TEST_P(EveryPolicyTest, VersionCountsChanges) {
  const kchan_value_read before = file_.Read();
  EXPECT_EQ(before.word_count, kWords);
  EXPECT_EQ(before.version, 0u);
  EXPECT_EQ(before.state, uint32_t(KCHAN_STATE_LIVE));
  const Values channel = GetParam();
  ASSERT_EQ(
      ModuleChanges(socket_,
                    {.channel = channel, .operation = Operation::kAdd, .operand = 3, .count = 5}),
      0);
  EXPECT_EQ(file_.Read().words[kFirst], 15u);
  EXPECT_EQ(file_.Read().version, 10u);
  EXPECT_GT(file_.Read().boottime_ns, 0u);
  // What is no change does not count.
  ASSERT_EQ(ModuleChanges(socket_, {.channel = channel, .operand = 15, .count = 4}), 0);
  ASSERT_EQ(ModuleChanges(socket_, {.channel = channel, .operation = Operation::kAdd}), 0);
  EXPECT_EQ(file_.Read().version, 10u);
  // Refused, then done.
  EXPECT_EQ(ModuleChanges(socket_, {.channel = channel,
                                    .operation = Operation::kCompareAndSwap,
                                    .operand = 1,
                                    .expected = 14}),
            EAGAIN);
  EXPECT_EQ(file_.Read().version, 10u);
  EXPECT_EQ(ModuleChanges(socket_, {.channel = channel,
                                    .operation = Operation::kCompareAndSwap,
                                    .operand = 1,
                                    .expected = 15}),
            0);
  EXPECT_EQ(file_.Read().words[kFirst], 1u);
  EXPECT_EQ(file_.Read().version, 12u);
}

TEST_P(EveryPolicyTest, UserSpaceChangesWritableWords) {
  kchan_value_change change{};
  change.word = kLevel;
  change.operation = KCHAN_VALUE_ADD;
  change.operand = uint64_t(-5);
  ASSERT_EQ(file_.Change(&change), 0);
  EXPECT_EQ(change.before, 0u);
  EXPECT_EQ(int64_t(change.after), -5);
  EXPECT_EQ(change.applied, 1u);

  change.operation = KCHAN_VALUE_COMPARE_AND_SWAP;
  change.operand = 9;
  change.expected = 4;
  ASSERT_EQ(file_.Change(&change), 0);
  EXPECT_EQ(change.applied, 0u);
  EXPECT_EQ(int64_t(change.before), -5);
  EXPECT_EQ(int64_t(change.after), -5);
  change.expected = uint64_t(-5);
  ASSERT_EQ(file_.Change(&change), 0);
  EXPECT_EQ(change.applied, 1u);
  EXPECT_EQ(change.after, 9u);
  EXPECT_EQ(file_.Read().words[kLevel], 9u);
  EXPECT_EQ(file_.Read().version, 4u);
}

TEST_P(EveryPolicyTest, NonsenseIsRefused) {
  EXPECT_EQ(file_.Set(kFirst, 1), EPERM);
  EXPECT_EQ(file_.Set(kWords, 1), ERANGE);
  EXPECT_EQ(file_.Set(~0u, 1), ERANGE);
  EXPECT_EQ(file_.Set(kLimit, 1001), EDOM);
  EXPECT_EQ(file_.Add(kLimit, 1000), 0);
  EXPECT_EQ(file_.Add(kLimit, 1), EDOM);
  kchan_value_change change{};
  change.word = kLevel;
  EXPECT_EQ(file_.Change(&change), EINVAL);
  change.operation = KCHAN_VALUE_COMPARE_AND_SWAP + 1;
  EXPECT_EQ(file_.Change(&change), EINVAL);
  change.operation = KCHAN_VALUE_SET;
  change.reserved = 1;
  EXPECT_EQ(file_.Change(&change), EINVAL);
  EXPECT_EQ(file_.Change(nullptr), EFAULT);
  EXPECT_EQ(file_.Read(nullptr), EFAULT);
  EXPECT_EQ(file_.Read().words[kLimit], 1000u);
  EXPECT_EQ(file_.Read().version, 2u);
}

TEST_P(EveryPolicyTest, ModuleIsAskedAgainIfTheWordMoved) {
  kchan_value_change change{};
  change.word = kMoving;
  change.operation = KCHAN_VALUE_ADD;
  change.operand = 1;
  ASSERT_EQ(file_.Change(&change), 0);
  EXPECT_EQ(change.before, 100u);
  EXPECT_EQ(change.after, 101u);
  const kchan_value_read all = file_.Read();
  EXPECT_EQ(all.words[kMoving], 101u);
  EXPECT_EQ(all.words[kAsked], 2u);
}

TEST_P(EveryPolicyTest, HardInterruptsChangeWords) {
  if (GetParam() == Values::kMutex) {
    // It must not: its context is PROCESS. So there is nothing to try.
    EXPECT_EQ(GetChannel(socket_, NameOf(GetParam())).U32(KCHAN_A_CONTEXT),
              uint32_t(KCHAN_CONTEXT_PROCESS));
    return;
  }
  ASSERT_EQ(ModuleChanges(socket_, {.channel = GetParam(),
                                    .operation = Operation::kAdd,
                                    .in_hardirq = 1,
                                    .operand = 1,
                                    .count = 1000}),
            0);
  EXPECT_EQ(file_.Read().words[kFirst], 1000u);
}

INSTANTIATE_TEST_SUITE_P(Policies, EveryPolicyTest,
                         ::testing::Values(Values::kFree, Values::kSpin, Values::kMutex));

// ---- poll() -------------------------------------------------------------------

TEST_P(EveryPolicyTest, PollTellsOfWhatWasNotSeen) {
  // A file that has read nothing has seen nothing.
  EXPECT_EQ(file_.Poll(), POLLIN | POLLPRI);
  file_.Read();
  EXPECT_EQ(file_.Poll(), 0);
  ASSERT_EQ(ModuleChanges(socket_, {.channel = GetParam(), .operand = 1}), 0);
  EXPECT_EQ(file_.Poll(), POLLIN | POLLPRI);
  EXPECT_EQ(file_.Poll(), POLLIN | POLLPRI);
  file_.Read();
  EXPECT_EQ(file_.Poll(), 0);
}

TEST_P(EveryPolicyTest, SleepingPollIsWoken) {
  file_.Read();
  for (uint64_t i = 1; i <= 100; i++) {
    std::thread writer([&] {
      GenlSocket socket;
      ASSERT_EQ(ModuleChanges(socket,
                              {.channel = GetParam(), .operation = Operation::kAdd, .operand = 1}),
                0);
    });
    ASSERT_EQ(file_.Poll(10'000), POLLIN | POLLPRI);
    EXPECT_EQ(file_.Read().words[kFirst], i);
    writer.join();
  }
}

TEST_P(EveryPolicyTest, EveryReaderIsWoken) {
  ValueFile second;
  ASSERT_EQ(second.Attach(NameOf(GetParam())), 0);
  file_.Read();
  second.Read();
  short seen[2] = {};
  std::thread first_poller([&] { seen[0] = file_.Poll(10'000); });
  std::thread second_poller([&] { seen[1] = second.Poll(10'000); });
  ASSERT_EQ(ModuleChanges(socket_, {.channel = GetParam(), .operand = 1}), 0);
  first_poller.join();
  second_poller.join();
  EXPECT_EQ(seen[0], POLLIN | POLLPRI);
  EXPECT_EQ(seen[1], POLLIN | POLLPRI);
}

// ---- sysfs --------------------------------------------------------------------

TEST_F(ValueTest, SysfsShowsAndChanges) {
  ValueAttribute level("test.value.free", "level", O_RDWR);
  ASSERT_EQ(level.error(), 0);
  EXPECT_EQ(level.Read(), "0");
  EXPECT_EQ(level.Write("-12\n"), 0);
  EXPECT_EQ(level.Read(), "-12");
  EXPECT_EQ(int64_t(file_.Read().words[kLevel]), -12);
  EXPECT_EQ(level.Write("0x7fffffffffffffff"), 0);
  EXPECT_EQ(level.Write("0x8000000000000000"), ERANGE);
  EXPECT_EQ(level.Write("12 apples"), EINVAL);

  ValueAttribute limit("test.value.free", "limit", O_RDWR);
  EXPECT_EQ(limit.Write("-1"), EINVAL);
  EXPECT_EQ(limit.Write("1001"), EDOM);
  EXPECT_EQ(limit.Write("1000"), 0);
  EXPECT_EQ(limit.Read(), "1000");
}

TEST_F(ValueTest, SysfsModesSayWhoMayWrite) {
  struct stat status {};
  ASSERT_EQ(stat("/sys/class/kchan/test.value.free/values/level", &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0644u);
  ASSERT_EQ(stat("/sys/class/kchan/test.value.free/values/first", &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0444u);
  // For root, too.
  EXPECT_EQ(ValueAttribute("test.value.free", "first", O_RDWR).error(), EACCES);
}

TEST_P(EveryPolicyTest, SysfsPollIsWokenByItsWordOnly) {
  const ValueAttribute first(NameOf(GetParam()), "first");
  const ValueAttribute second(NameOf(GetParam()), "second");
  first.Read();
  second.Read();
  EXPECT_EQ(first.Poll(), 0);
  for (uint64_t i = 1; i <= 20; i++) {
    std::thread writer([&] {
      GenlSocket socket;
      ASSERT_EQ(
          ModuleChanges(
              socket,
              {.channel = GetParam(), .operation = Operation::kAdd, .operand = 1, .count = 3}),
          0);
    });
    // Perhaps before all three of them, which then are told of once more.
    EXPECT_EQ(first.Poll(10'000), POLLPRI | POLLERR);
    writer.join();
    EXPECT_EQ(first.Read(), std::to_string(3 * i));
    EXPECT_EQ(second.Poll(), 0);
    if (first.Poll() != 0) first.Read();
  }
  ASSERT_EQ(ModuleChanges(socket_, {.channel = GetParam(), .word = 1, .operand = 1}), 0);
  EXPECT_EQ(second.Poll(10'000), POLLPRI | POLLERR);
  EXPECT_EQ(first.Poll(), 0);
}

// ---- The page -----------------------------------------------------------------

TEST_F(ValueTest, PageCannotBeWritten) {
  const Mapping page(file_.fd(), 0, 1, PROT_READ);
  ASSERT_EQ(page.error(), 0);
  EXPECT_NE(mprotect(page.at(), page.bytes(), PROT_READ | PROT_WRITE), 0);
  EXPECT_EQ(errno, EACCES);
  EXPECT_NE(mprotect(page.at(), page.bytes(), PROT_READ | PROT_EXEC), 0);
  EXPECT_EQ(Mapping(file_.fd(), 0, 1, PROT_READ | PROT_WRITE).error(), EPERM);
  EXPECT_EQ(Mapping(file_.fd(), 0, 1, PROT_READ | PROT_EXEC).error(), EPERM);
  EXPECT_EQ(Mapping(file_.fd(), 0, 1, PROT_READ, MAP_PRIVATE).error(), EINVAL);
  EXPECT_EQ(Mapping(file_.fd(), 0, 2, PROT_READ).error(), EINVAL);
  EXPECT_EQ(Mapping(file_.fd(), 1, 1, PROT_READ).error(), EINVAL);
}

TEST_F(ValueTest, PageComesBackAfterDontneed) {
  const Mapping mapping(file_.fd(), 0, 1, PROT_READ);
  const auto* page = reinterpret_cast<const kchan_value_page*>(mapping.at());
  ASSERT_EQ(ModuleChanges(socket_, {.operand = 77}), 0);
  EXPECT_EQ(page->words[kFirst], 77u);
  ASSERT_EQ(madvise(mapping.at(), mapping.bytes(), MADV_DONTNEED), 0);
  EXPECT_EQ(page->words[kFirst], 77u);
  EXPECT_EQ(page->magic, KCHAN_VALUE_MAGIC);
  EXPECT_EQ(page->word_count, uint32_t(kWords));
  EXPECT_EQ(page->generation, file_.generation());
  EXPECT_EQ(page->state, uint32_t(KCHAN_STATE_LIVE));
}

TEST_F(ValueTest, AttachRefusesOtherRolesAndCpus) {
  ValueFile file;
  kchan_attach request = RingFile::Request("test.value.free", 0);
  EXPECT_EQ(file.Attach(&request), ENXIO);
  request = RingFile::Request("test.value.free", KCHAN_CPU_SHARED);
  request.role = KCHAN_ROLE_WRITER;
  EXPECT_EQ(file.Attach(&request), EOPNOTSUPP);
  kchan_ring_counters counters;
  EXPECT_EQ(file_.ReadCounters(&counters), ENOTTY);
}

}  // namespace
}  // namespace kchan::guest
