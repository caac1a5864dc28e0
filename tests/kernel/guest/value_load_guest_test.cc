// SPDX-License-Identifier: Apache-2.0
// Values: many writers at once, and the end of their module.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "value_testing.h"

namespace kchan::guest {
namespace {

class ValueLoadTest : public ::testing::TestWithParam<Values> {
 protected:
  void SetUp() override {
    ASSERT_EQ(testbed_->error, 0) << std::strerror(testbed_->error);
    ASSERT_EQ(file_.Attach(NameOf(GetParam())), 0);
  }

  std::unique_ptr<ScopedModule> testbed_ = std::make_unique<ScopedModule>("kchan_testbed_value");
  GenlSocket socket_;
  ValueFile file_;
};

// The module on each CPU, and user space, all at the same words.
TEST_P(ValueLoadTest, NoChangeIsLost) {
  constexpr int kRounds = 20;
  constexpr uint64_t kModuleAdds = 2000, kUserAdds = 300;
  std::vector<std::thread> threads;
  for (int cpu = 0; cpu < 2; cpu++) {
    threads.emplace_back([&, cpu] {
      PinToCpu(cpu);
      GenlSocket socket;
      for (int i = 0; i < kRounds; i++) {
        const uint32_t in_hardirq = GetParam() != Values::kMutex && i % 2 == 0;
        ASSERT_EQ(ModuleChanges(socket, {.channel = GetParam(),
                                         .operation = Operation::kAdd,
                                         .word = kLevel,
                                         .in_hardirq = in_hardirq,
                                         .operand = 1,
                                         .count = kModuleAdds}),
                  0);
      }
    });
    threads.emplace_back([&, cpu] {
      PinToCpu(cpu);
      ValueFile file;
      ASSERT_EQ(file.Attach(NameOf(GetParam())), 0);
      for (uint64_t i = 0; i < kRounds * kUserAdds; i++) ASSERT_EQ(file.Add(kLevel, 1), 0);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const kchan_value_read all = file_.Read();
  const uint64_t changes = 2 * kRounds * (kModuleAdds + kUserAdds);
  EXPECT_EQ(all.words[kLevel], changes);
  // Nor is one counted twice: so a reader knows how many it did not see.
  EXPECT_EQ(all.version, 2 * changes);
}

// A swap takes place only where nobody else was in between: the sum of what
// each has moved is what there is.
TEST_P(ValueLoadTest, SwapsAreExact) {
  constexpr uint64_t kSwaps = 3000;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; i++) {
    threads.emplace_back([&] {
      ValueFile file;
      ASSERT_EQ(file.Attach(NameOf(GetParam())), 0);
      kchan_value_change change{};
      change.word = kLevel;
      change.operation = KCHAN_VALUE_COMPARE_AND_SWAP;
      for (uint64_t done = 0; done < kSwaps; done += change.applied) {
        change.expected = change.after;
        change.operand = change.after + 1;
        ASSERT_EQ(file.Change(&change), 0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(file_.Read().words[kLevel], 3 * kSwaps);
}

// A poll that was armed before a change always hears of it, whatever the rest.
TEST_P(ValueLoadTest, LastChangeIsAlwaysSeen) {
  constexpr uint64_t kChanges = 20'000;
  std::thread writer([&] {
    GenlSocket socket;
    for (uint64_t i = 0; i < kChanges / 10; i++) {
      ASSERT_EQ(
          ModuleChanges(
              socket,
              {.channel = GetParam(), .operation = Operation::kAdd, .operand = 1, .count = 10}),
          0);
    }
  });
  uint64_t reads = 0;
  kchan_value_read all{};
  while (all.words[kFirst] < kChanges) {
    ASSERT_NE(file_.Poll(10'000), 0) << "asleep at " << all.words[kFirst];
    all = file_.Read();
    reads++;
  }
  writer.join();
  EXPECT_EQ(all.version, 2 * kChanges);
  EXPECT_EQ(file_.Poll(), 0);
  RecordProperty("reads", int(reads));
}

TEST_P(ValueLoadTest, ModuleGoesUnderAPoll) {
  const Mapping mapping(file_.fd(), 0, 1, PROT_READ);
  const auto* page = reinterpret_cast<const kchan_value_page*>(mapping.at());
  ASSERT_EQ(ModuleChanges(socket_, {.channel = GetParam(), .operand = 5}), 0);
  file_.Read();
  const ValueAttribute level(NameOf(GetParam()), "level", O_RDWR);
  ASSERT_EQ(level.Read(), "0");
  std::thread unloader([&] { testbed_.reset(); });
  EXPECT_TRUE(file_.Poll(10'000) & POLLHUP);
  unloader.join();
  EXPECT_EQ(page->state, uint32_t(KCHAN_STATE_DEAD));
  EXPECT_EQ(page->words[kFirst], 5u);
  EXPECT_EQ(file_.Read().state, uint32_t(KCHAN_STATE_DEAD));
  EXPECT_EQ(file_.Read().words[kFirst], 5u);
  EXPECT_EQ(file_.Set(kLevel, 1), ESHUTDOWN);
  EXPECT_EQ(file_.Read().words[kLevel], 0u);
  EXPECT_EQ(level.Read(), "");
  EXPECT_NE(level.Write("1"), 0);
  EXPECT_NE(access(("/sys/class/kchan/" + NameOf(GetParam())).c_str(), F_OK), 0);
  // The core is held by its files, not by what they are attached to.
  EXPECT_EQ(UnloadModule("kchan"), EAGAIN);
}

TEST_P(ValueLoadTest, ModuleComesAndGoesUnderLoad) {
  std::atomic<bool> stop = false;
  std::thread changer([&] {
    while (!stop) {
      ValueFile file;
      const ValueAttribute level(NameOf(GetParam()), "level", O_RDWR);
      if (file.Attach(NameOf(GetParam())) != 0) continue;
      const Mapping mapping(file.fd(), 0, 1, PROT_READ);
      while (!stop && file.Add(kLevel, 1) == 0 && level.Write("3") == 0 && !level.Read().empty()) {
        ReadPage(reinterpret_cast<const kchan_value_page*>(mapping.at()));
      }
    }
  });
  for (int i = 0; i < 20; i++) {
    testbed_.reset();
    testbed_ = std::make_unique<ScopedModule>("kchan_testbed_value");
    EXPECT_EQ(testbed_->error, 0);
  }
  stop = true;
  changer.join();
}

INSTANTIATE_TEST_SUITE_P(Policies, ValueLoadTest,
                         ::testing::Values(Values::kFree, Values::kSpin, Values::kMutex));

// ---- Several words that are one value -------------------------------------------

class SnapshotTest : public ValueLoadTest {};

bool IsWhole(const kchan_value_read& all) {
  for (uint32_t i = kFirst; i <= kFourth; i++) {
    if (all.words[i] != all.words[kFirst]) return false;
  }
  return true;
}

TEST_P(SnapshotTest, IsNeverTorn) {
  std::atomic<int> writing = 2;
  std::vector<std::thread> writers;
  for (int cpu = 0; cpu < 2; cpu++) {
    writers.emplace_back([&, cpu] {
      PinToCpu(cpu);
      GenlSocket socket;
      for (int i = 0; i < 100; i++) {
        EXPECT_EQ(ModuleChanges(socket, {.channel = GetParam(),
                                         .operation = Operation::kFill,
                                         .operand = 1,
                                         .count = 1000}),
                  0);
      }
      writing--;
    });
  }
  const Mapping mapping(file_.fd(), 0, 1, PROT_READ);
  uint64_t versions = 0, last = 0;
  while (writing > 0) {
    const kchan_value_read mapped =
        ReadPage(reinterpret_cast<const kchan_value_page*>(mapping.at()));
    const kchan_value_read read = file_.Read();
    ASSERT_TRUE(IsWhole(mapped));
    ASSERT_TRUE(IsWhole(read));
    ASSERT_GE(read.version, mapped.version);
    ASSERT_EQ(read.version, 2 * read.words[kFirst]);
    versions += mapped.version != last;
    last = mapped.version;
  }
  for (std::thread& thread : writers) thread.join();
  EXPECT_EQ(file_.Read().words[kFirst], 200'000u);
  // Or nothing was tried.
  EXPECT_GT(versions, 10u);
}

TEST_P(SnapshotTest, SingleWordsTakeTheSameLock) {
  std::thread filler([&] {
    PinToCpu(0);
    GenlSocket socket;
    for (int i = 0; i < 50; i++) {
      EXPECT_EQ(
          ModuleChanges(
              socket,
              {.channel = GetParam(), .operation = Operation::kFill, .operand = 1, .count = 500}),
          0);
    }
  });
  PinToCpu(1);
  for (int i = 0; i < 50; i++) {
    ASSERT_EQ(
        ModuleChanges(
            socket_,
            {.channel = GetParam(), .operation = Operation::kAdd, .operand = 1, .count = 500}),
        0);
  }
  filler.join();
  EXPECT_EQ(file_.Read().words[kFirst], 50'000u);
  EXPECT_EQ(file_.Read().words[kFourth], 25'000u);
}

INSTANTIATE_TEST_SUITE_P(Policies, SnapshotTest, ::testing::Values(Values::kSpin, Values::kMutex));

}  // namespace
}  // namespace kchan::guest
