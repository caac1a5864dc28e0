// SPDX-License-Identifier: Apache-2.0
// Whoever waits for a module, or for another writer, can be killed, and what it
// brought is either taken or its own.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "frames.h"
#include "hold_testing.h"
#include "kernel_file.h"

namespace kchan::guest {
namespace {

// ---- Writers that wait for each other ----------------------------------------

class PolicyTest : public HoldTest, public ::testing::WithParamInterface<const char*> {
 protected:
  // As many as the policy admits.
  static size_t Admitted() { return std::strcmp(GetParam(), "test.hold.mutex") == 0 ? 1 : 2; }
};

TEST_P(PolicyTest, KilledWriterKeepsItsRecord) {
  RingFile reader;
  ASSERT_EQ(reader.Attach(GetParam()), 0);
  std::vector<std::thread> holders;
  for (size_t i = 0; i < Admitted(); i++) {
    holders.emplace_back([] {
      GenlSocket socket;
      EXPECT_EQ(Send(socket, GetParam(), {.what = Order::kHoldAdmission}).error, 0);
    });
  }
  EXPECT_TRUE(WaitTold(Told::kHeld, Admitted()));
  {
    Child writer([] {
      GenlSocket socket;
      Send(socket, GetParam(), {.what = Order::kWrite});
    });
    EXPECT_TRUE(WaitTold(Told::kWriters, 1));
    EXPECT_TRUE(writer.WaitAsleep());
    writer.Kill();
    EXPECT_TRUE(writer.WaitKilled());
  }
  EXPECT_EQ(Tells(Told::kInterrupted), 1u);
  EXPECT_EQ(Tells(Told::kWriters), 0u);
  EXPECT_EQ(Tells(Told::kHeld), Admitted()) << "the others go on";
  const kchan_ring_counters counters = reader.Counters();
  EXPECT_EQ(counters.records, 0u);
  EXPECT_EQ(counters.lost, 0u);

  Open();
  for (std::thread& holder : holders) holder.join();
  // It did not take the admission with it.
  for (size_t i = 0; i < Admitted() + 1; i++) {
    EXPECT_EQ(Send(socket_, GetParam(), {.what = Order::kWrite}).error, 0);
  }
  EXPECT_EQ(reader.Counters().records, Admitted() + 1);
}

INSTANTIATE_TEST_SUITE_P(Policies, PolicyTest,
                         ::testing::Values("test.hold.mutex", "test.hold.semaphore"),
                         [](const auto& tested) { return std::string(tested.param + 10); });

// ---- Whoever waits for the module --------------------------------------------

class SignalTest : public HoldTest {
 protected:
  // Kills a process that is held, and says whether that lets go of it.
  void KillHeld(Child* child) {
    ASSERT_TRUE(WaitTold(Told::kHeld, 1));
    ASSERT_TRUE(child->WaitAsleep());
    child->Kill();
    EXPECT_TRUE(child->WaitKilled());
    EXPECT_EQ(Tells(Told::kKilled), 1u);
    EXPECT_EQ(Tells(Told::kHeld), 0u);
  }
};

TEST_F(SignalTest, KilledSenderOfACommandLetsGo) {
  Child sender([] {
    GenlSocket socket;
    Send(socket, "test.hold.mutex", {.what = Order::kHold});
  });
  ASSERT_NO_FATAL_FAILURE(KillHeld(&sender));
  EXPECT_EQ(Send(socket_, "test.hold.mutex", {.what = Order::kCount}).error, 0);
  EXPECT_EQ(Tells(Told::kCounted), 1u);
}

TEST_F(SignalTest, KilledChangeOfAValueIsNone) {
  Child changer([] {
    ValueFile file;
    file.Attach("test.hold.value");
    file.Set(0, 1);
  });
  ASSERT_NO_FATAL_FAILURE(KillHeld(&changer));
  ValueFile file;
  ASSERT_EQ(file.Attach("test.hold.value"), 0);
  EXPECT_EQ(file.Read().words[0], 0u);
  EXPECT_EQ(file.Read().version, 0u);
  Open();
  EXPECT_EQ(file.Set(0, 2), 0);
  EXPECT_EQ(file.Read().words[0], 2u);
}

TEST_F(SignalTest, KilledStoreToSysfsIsNone) {
  Child changer([] { ValueAttribute("test.hold.value", "word", O_RDWR).Write("1"); });
  ASSERT_NO_FATAL_FAILURE(KillHeld(&changer));
  EXPECT_EQ(ValueAttribute("test.hold.value", "word").Read(), "0");
}

std::string OrderFrame(const Order& order) {
  return MakeFrame(kOrderType, {reinterpret_cast<const char*>(&order), sizeof(order)});
}

// The file's position says so: whoever has it next hands over the rest.
TEST_F(SignalTest, CommandThatWasKilledIsNotTaken) {
  const SmallDisk disk("1m");
  ASSERT_EQ(disk.error(), 0);
  const int file = open(SmallDisk::Path("orders").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_GE(file, 0);
  const std::string count = OrderFrame({.what = Order::kCount});
  const std::string orders = count + OrderFrame({.what = Order::kHold}) + count;
  ASSERT_EQ(write(file, orders.data(), orders.size()), ssize_t(orders.size()));
  ASSERT_EQ(lseek(file, 0, SEEK_SET), 0);
  Child holder([file] {
    Holder own;
    kchan_file_hand told;
    own.Attach("test.hold.file");
    own.Commands(file, &told);
  });
  ASSERT_NO_FATAL_FAILURE(KillHeld(&holder));
  EXPECT_EQ(lseek(file, 0, SEEK_CUR), off_t(count.size()));
  EXPECT_EQ(Tells(Told::kCounted), 1u);

  Open();
  Holder next;
  ASSERT_EQ(next.Attach("test.hold.file"), 0);
  kchan_file_hand told;
  EXPECT_EQ(next.Commands(file, &told), 0);
  EXPECT_EQ(told.records, 2u);
  EXPECT_EQ(told.status, 0u);
  EXPECT_EQ(Tells(Told::kCounted), 2u);
  close(file);
}

// The kernel's block layer cannot be killed: what is promised is the module's
// own time, not more.
TEST_F(SignalTest, FsyncLastsAsLongAsTheModuleAlsoWhenKilled) {
  Child writer([] {
    void* block = std::aligned_alloc(4096, 4096);
    std::memset(block, 1, 4096);
    const int disk = open("/dev/kchan.test.hold.block", O_RDWR | O_DIRECT | O_CLOEXEC);
    if (pwrite(disk, block, 4096, 0) != 4096) _exit(1);
    fsync(disk);
  });
  EXPECT_TRUE(WaitTold(Told::kHeld, 1)) << "the module is being told";
  EXPECT_TRUE(writer.WaitAsleep(SYS_fsync));
  writer.Kill();
  EXPECT_TRUE(writer.WaitAsleep(SYS_fsync));
  EXPECT_TRUE(writer.Lives());
  EXPECT_EQ(Tells(Told::kBlocks), 0u);
  Open();
  EXPECT_TRUE(writer.WaitKilled());
  EXPECT_EQ(Tells(Told::kBlocks), 1u);
}

}  // namespace
}  // namespace kchan::guest
