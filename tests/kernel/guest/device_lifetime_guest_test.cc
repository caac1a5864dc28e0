// SPDX-License-Identifier: Apache-2.0
// What a reader sees when sources, CPUs and the module itself come and go.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "ring_file.h"
#include "testbed.h"

namespace kchan::guest {
namespace {

class LifetimeTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(testbed_->error, 0) << std::strerror(testbed_->error); }

  void SetLinger(const std::string& channel, uint32_t linger_ms) {
    ASSERT_EQ(
        socket_.Do(KCHAN_CMD_CHANNEL_SET, Named(channel).U32(KCHAN_A_LINGER_MS, linger_ms)).error,
        0);
  }

  std::unique_ptr<ScopedModule> testbed_ = std::make_unique<ScopedModule>("kchan_testbed");
  GenlSocket socket_;
};

const kchan_info_page* Info(const Mapping& mapping) {
  return reinterpret_cast<const kchan_info_page*>(mapping.at());
}

TEST_F(LifetimeTest, SuccessorWithinLingerFindsEverything) {
  auto first = std::make_unique<RingFile>();
  ASSERT_EQ(first->Attach("test.shared"), 0);
  const uint64_t generation = first->generation();
  {
    const Mapping consumer(first->fd(), KCHAN_PAGE_CONSUMER, 1, PROT_READ | PROT_WRITE);
    reinterpret_cast<kchan_consumer_page*>(consumer.at())->consumer_pos = 0;
    reinterpret_cast<kchan_consumer_page*>(consumer.at())->lost_seen = 17;
  }
  ASSERT_EQ(WriteRecords(socket_, "test.shared", {.count = 3}), 0);
  first.reset();
  EXPECT_EQ(StateOf(socket_, "test.shared"), KCHAN_STATE_LIVE);
  ASSERT_EQ(WriteRecords(socket_, "test.shared", {.count = 4}), 0);

  RingFile second;
  ASSERT_EQ(second.Attach("test.shared"), 0);
  EXPECT_EQ(second.generation(), generation);
  EXPECT_EQ(second.Counters().records, 7u);
  const Mapping consumer(second.fd(), KCHAN_PAGE_CONSUMER, 1, PROT_READ);
  EXPECT_EQ(reinterpret_cast<kchan_consumer_page*>(consumer.at())->lost_seen, 17u);
}

TEST_F(LifetimeTest, AfterTheLingerItIsIdleAndThenNew) {
  SetLinger("test.shared", 1);
  RingFile first;
  ASSERT_EQ(first.Attach("test.shared"), 0);
  ASSERT_EQ(WriteRecords(socket_, "test.shared", {}), 0);
  const uint64_t generation = first.generation();
  first.Close();
  ASSERT_TRUE(Eventually([&] { return StateOf(socket_, "test.shared") == KCHAN_STATE_IDLE; }));
  EXPECT_EQ(GetChannel(socket_, "test.shared").U64(KCHAN_A_GENERATION), 0u);
  EXPECT_EQ(WriteRecords(socket_, "test.shared", {}), ENODEV);

  RingFile second;
  ASSERT_EQ(second.Attach("test.shared"), 0);
  EXPECT_NE(second.generation(), generation);
  EXPECT_EQ(second.Counters().records, 0u);
}

TEST_F(LifetimeTest, ReaderWithinLingerKeepsItAlive) {
  SetLinger("test.shared", 50);
  RingFile first;
  ASSERT_EQ(first.Attach("test.shared"), 0);
  const uint64_t generation = first.generation();
  for (int i = 0; i < 20; i++) {
    first.Close();
    RingFile next;
    ASSERT_EQ(next.Attach("test.shared"), 0);
    // Longer than the linger that was under way when we came.
    std::this_thread::sleep_for(std::chrono::milliseconds(i % 4 == 0 ? 60 : 1));
    ASSERT_EQ(next.generation(), generation);
    ASSERT_EQ(StateOf(socket_, "test.shared"), KCHAN_STATE_LIVE);
  }
}

TEST_F(LifetimeTest, ProviderUnloadsUnderItsReader) {
  RingFile file;
  ASSERT_EQ(file.Attach("test.shared"), 0);
  ASSERT_EQ(WriteRecords(socket_, "test.shared", {.count = 3}), 0);
  const Mapping info(file.fd(), KCHAN_PAGE_INFO, 1, PROT_READ);
  const Mapping producer(file.fd(), KCHAN_PAGE_PRODUCER, 1, PROT_READ);
  const Mapping consumer(file.fd(), KCHAN_PAGE_CONSUMER, 1, PROT_READ | PROT_WRITE);
  reinterpret_cast<kchan_consumer_page*>(consumer.at())->wake_pos = ~0ULL;
  ASSERT_EQ(Info(info)->state, KCHAN_STATE_LIVE);

  std::thread unloader([&] { testbed_.reset(); });
  EXPECT_TRUE(file.Poll(10'000) & POLLHUP);
  unloader.join();
  EXPECT_EQ(Info(info)->state, KCHAN_STATE_DEAD);
  // What was written is still there to read.
  EXPECT_EQ(reinterpret_cast<kchan_producer_page*>(producer.at())->producer_seq, 3u);
  EXPECT_EQ(file.Counters().records, 3u);
  RingFile second;
  EXPECT_EQ(second.Attach("test.shared"), ENOENT);

  // The same name again is another channel; the old ring stays dead.
  testbed_ = std::make_unique<ScopedModule>("kchan_testbed");
  ASSERT_EQ(testbed_->error, 0);
  ASSERT_EQ(second.Attach("test.shared"), 0);
  EXPECT_NE(second.generation(), file.generation());
  EXPECT_EQ(Info(info)->state, KCHAN_STATE_DEAD);
}

TEST_F(LifetimeTest, ReloadsWhileItStreams) {
  for (int i = 0; i < 20; i++) {
    RingFile shared, per_cpu;
    ASSERT_EQ(shared.Attach("test.shared"), 0);
    ASSERT_EQ(per_cpu.Attach("test.per_cpu", 0), 0);
    std::thread writer([] {
      GenlSocket socket;
      while (WriteRecords(socket, "test.shared", {.count = 1000}) != ENOENT &&
             StateOf(socket, "test.shared") != 0) {
      }
    });
    testbed_.reset();
    writer.join();
    EXPECT_TRUE(shared.Poll() & POLLHUP);
    EXPECT_TRUE(per_cpu.Poll() & POLLHUP);
    testbed_ = std::make_unique<ScopedModule>("kchan_testbed");
    ASSERT_EQ(testbed_->error, 0);
  }
}

// ---- CPUs -------------------------------------------------------------------

class Cpu1 {
 public:
  static bool SetOnline(bool online) {
    std::ofstream file("/sys/devices/system/cpu/cpu1/online");
    file << (online ? "1" : "0") << std::flush;
    return file.good();
  }
  ~Cpu1() { SetOnline(true); }
};

TEST_F(LifetimeTest, RingOfACpuThatGoesIsKept) {
  Cpu1 restore;
  RingFile file;
  ASSERT_EQ(file.Attach("test.per_cpu", 1), 0);
  PinToCpu(1);
  ASSERT_EQ(WriteRecords(socket_, "test.per_cpu", {.count = 5}), 0);
  PinToCpu(0);
  ASSERT_TRUE(Cpu1::SetOnline(false));
  EXPECT_EQ(file.Counters().records, 5u);
  const Mapping data(file.fd(), KCHAN_PAGE_DATA, 1, PROT_READ);
  EXPECT_EQ(reinterpret_cast<const kchan_record*>(data.at())->type, kWrittenType);
  ASSERT_TRUE(Cpu1::SetOnline(true));
  PinToCpu(1);
  ASSERT_EQ(WriteRecords(socket_, "test.per_cpu", {.count = 6}), 0);
  EXPECT_EQ(file.Counters().records, 11u);
}

TEST_F(LifetimeTest, CpuThatComesGetsARingAndIsAnnounced) {
  Cpu1 restore;
  ASSERT_EQ(socket_.Join(KCHAN_GENL_GROUP_CHANNELS), 0);
  ASSERT_TRUE(Cpu1::SetOnline(false));
  RingFile first, second;
  ASSERT_EQ(first.Attach("test.per_cpu", 0), 0);
  EXPECT_EQ(second.Attach("test.per_cpu", 1), ENXIO);
  ASSERT_TRUE(Cpu1::SetOnline(true));
  Message message;
  ASSERT_TRUE(socket_.Receive([](const Message& m) { return m.command == KCHAN_CMD_RING_NEW_NTF; },
                              &message));
  EXPECT_EQ(message.attributes.String(KCHAN_A_CHANNEL_NAME), "test.per_cpu");
  EXPECT_EQ(message.attributes.U32(KCHAN_A_CPU), 1u);
  ASSERT_EQ(second.Attach("test.per_cpu", 1), 0);
  EXPECT_EQ(second.generation(), first.generation());
}

// ---- The module itself --------------------------------------------------------

class CoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(UnloadModule("kchan_sources"), 0);
    testbed_ = std::make_unique<ScopedModule>("kchan_testbed");
    ASSERT_EQ(testbed_->error, 0);
  }
  // The guest goes on with a fresh core whatever came of the test.
  void TearDown() override {
    testbed_.reset();
    UnloadModule("kchan");
    LoadModule("kchan");
    ASSERT_EQ(LoadModule("kchan_sources"), 0);
  }

  std::unique_ptr<ScopedModule> testbed_;
};

TEST_F(CoreTest, StaysWhileAFileOrAMappingIsLeft) {
  RingFile file;
  ASSERT_EQ(file.Attach("test.shared"), 0);
  auto info = std::make_unique<Mapping>(file.fd(), KCHAN_PAGE_INFO, 1, PROT_READ);
  testbed_.reset();
  EXPECT_EQ(UnloadModule("kchan"), EAGAIN);
  file.Close();
  EXPECT_EQ(UnloadModule("kchan"), EAGAIN);
  EXPECT_EQ(Info(*info)->state, KCHAN_STATE_DEAD);
  info.reset();
  EXPECT_EQ(UnloadModule("kchan"), 0);
}

TEST_F(CoreTest, LetsGoAfterQuiesce) {
  auto socket = std::make_unique<GenlSocket>();
  ASSERT_EQ(socket->Join(KCHAN_GENL_GROUP_CHANNELS), 0);
  RingFile file;
  ASSERT_EQ(file.Attach("test.shared"), 0);
  ASSERT_EQ(socket->Do(KCHAN_CMD_ENABLE, Named("test.genl")).error, 0);
  ASSERT_EQ(WriteRecords(*socket, "test.shared", {.count = 3}), 0);
  ASSERT_EQ(socket->Do(KCHAN_CMD_QUIESCE).error, 0);

  EXPECT_TRUE(file.Poll() & POLLHUP);
  EXPECT_EQ(file.Counters().records, 3u);
  RingFile second;
  EXPECT_EQ(second.Attach("test.shared"), ESHUTDOWN);
  EXPECT_EQ(second.Attach("test.nothing"), ESHUTDOWN);
  EXPECT_EQ(StateOf(*socket, "test.shared"), KCHAN_STATE_DEAD);
  EXPECT_EQ(WriteRecords(*socket, "test.shared", {}), ESHUTDOWN);
  EXPECT_EQ(socket->Do(KCHAN_CMD_ENABLE, Named("test.genl")).error, ESHUTDOWN);
  const Answer node = socket->Do(KCHAN_CMD_NODE_GET);
  ASSERT_EQ(node.messages.size(), 1u);
  EXPECT_TRUE(node.messages[0].attributes.Has(KCHAN_A_QUIESCED));
  Message message;
  EXPECT_TRUE(socket->Receive([](const Message& m) { return m.command == KCHAN_CMD_QUIESCE_NTF; },
                              &message));

  // The provider still goes, the files let go, and the core with them, though
  // the netlink socket that enabled a channel is still open.
  testbed_.reset();
  EXPECT_EQ(UnloadModule("kchan"), EAGAIN);
  file.Close();
  second.Close();
  EXPECT_EQ(UnloadModule("kchan"), 0);
}

TEST_F(CoreTest, NoChannelIsRegisteredAfterQuiesce) {
  GenlSocket socket;
  testbed_.reset();
  ASSERT_EQ(socket.Do(KCHAN_CMD_QUIESCE).error, 0);
  EXPECT_EQ(LoadModule("kchan_testbed"), ESHUTDOWN);
}

TEST_F(CoreTest, LoadsAgainAndAgain) {
  for (int i = 0; i < 10; i++) {
    {
      RingFile file;
      ASSERT_EQ(file.Attach("test.per_cpu", 0), 0);
    }
    testbed_.reset();
    ASSERT_EQ(UnloadModule("kchan"), 0);
    ASSERT_EQ(LoadModule("kchan"), 0);
    testbed_ = std::make_unique<ScopedModule>("kchan_testbed");
    ASSERT_EQ(testbed_->error, 0);
  }
}

}  // namespace
}  // namespace kchan::guest
