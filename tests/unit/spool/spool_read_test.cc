// SPDX-License-Identifier: Apache-2.0
// What readers of a log with a history on disk are promised.
#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "tests/unit/spool/spool_testing.h"

namespace kchan::spool {
namespace {

using hub::LossStage;
using hub::testing::LostNumbers;
using testing::Eventually;
using testing::Lost;
using testing::Node;
using testing::NodeSetup;
using testing::Records;
using testing::Seen;
using testing::SpoolReadTest;

constexpr uint64_t kEpoch = Node::kEpoch;

TEST_F(SpoolReadTest, OldestIsOnDiskAndReadingGoesOnInMemory) {
  Node node(Setup());
  node.StartEpoch(kEpoch, 1);
  for (int i = 0; i < 100; ++i) {
    node.Append(200, 200);  // 4 MiB in all, 1 MiB of log
    ASSERT_TRUE(node.IsSpooled());
  }
  ASSERT_GT(node.log().extent().oldest_sequence, 1u);
  for (const size_t max_bytes : {size_t{4096}, size_t{256} << 10}) {
    const std::vector<Seen> seen = node.Read(hub::StartOldest{}, max_bytes);
    EXPECT_EQ(Records(seen), 20'000u) << max_bytes;
    EXPECT_EQ(Lost(seen), 0u) << max_bytes;
  }
  const std::vector<Seen> seen = node.Read(hub::StartAt{{kEpoch, 1234}}, 4096);
  EXPECT_EQ(seen.front().first, 1235u);
  EXPECT_EQ(Records(seen), 20'000u - 1234);
}

TEST_F(SpoolReadTest, LastRecordsAreCountedOverDiskAndMemory) {
  RunOnce(3000);
  Node node(Setup());
  node.StartEpoch(kEpoch, 3004);  // three lost
  node.Append(10);
  for (const uint64_t wanted : {1u, 10u, 11u, 400u, 2999u, 3010u, 5000u}) {
    const std::vector<Seen> seen = node.Read(hub::StartLast{wanted});
    EXPECT_EQ(Records(seen), std::min<uint64_t>(wanted, 3010)) << wanted;
    EXPECT_EQ(seen.back().first, 3013u);
    EXPECT_TRUE(wanted > 3010 || seen.front().is_record) << wanted;
  }
}

TEST_F(SpoolReadTest, LastRecordsBeforeTheSourceIsBackAreOnDisk) {
  RunOnce(300);
  Node node(Setup());
  EXPECT_EQ(Records(node.Read(hub::StartLast{7})), 7u);
}

TEST_F(SpoolReadTest, BoundInBytesLetsTheOldestFilesGoAndTheyAreEvicted) {
  NodeSetup setup = Setup();
  setup.limits.max_bytes = 1 << 20;
  Node node(setup);
  node.StartEpoch(kEpoch, 1);
  for (int i = 0; i < 100; ++i) {
    node.Append(200, 200);
    ASSERT_TRUE(node.IsSpooled());
    ASSERT_LE(node.history().extent().bytes, setup.limits.max_bytes);
  }
  EXPECT_GT(node.history().extent().bytes, setup.limits.max_bytes * 3 / 4);
  const std::vector<Seen> seen = node.Read(hub::StartAt{{kEpoch, 0}});
  EXPECT_EQ(Records(seen) + Lost(seen), 20'000u);
  EXPECT_EQ(LostNumbers(seen, LossStage::kLogEviction), Lost(seen));
  EXPECT_EQ(Lost(node.Read(hub::StartOldest{})), 0u);
}

TEST_F(SpoolReadTest, OldFilesGoAlsoWhileNothingComes) {
  NodeSetup setup = Setup();
  setup.limits.max_age = std::chrono::seconds(1);
  Node node(setup);
  node.StartEpoch(kEpoch, 1);
  node.Append(10);
  ASSERT_TRUE(node.IsSpooled());
  EXPECT_TRUE(Eventually([&] { return node.history().extent().records == 0; }));
  // In memory it is still there.
  EXPECT_EQ(Records(node.Read(hub::StartOldest{})), 10u);
}

TEST_F(SpoolReadTest, SchemaOfRecordsThatAreOnlyOnDiskIsFound) {
  const auto old_schema = testing::SchemaNamed("old");
  {
    Node node(Setup());
    node.channel().SetSchema(old_schema);
    node.StartEpoch(kEpoch, 1);
    node.Append(1);
    ASSERT_TRUE(node.IsSpooled());
  }
  Node node(Setup());
  const auto found = node.channel().FindSchema(old_schema->id);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->types.at(0).name, "old");
}

// A disk that does not answer until it is let.
class SlowFiles final : public Files {
 public:
  int Write(int fd, std::span<const iovec> parts, uint64_t offset) override {
    WaitUntilLet();
    return Files::Write(fd, parts, offset);
  }
  // It is done at once; the writer learns of it late.
  int Rename(const std::string& from, const std::string& to) override {
    const int error = Files::Rename(from, to);
    WaitUntilLet();
    return error;
  }
  void Let(bool is_open) {
    const std::lock_guard lock(mutex_);
    is_open_ = is_open;
    changed_.notify_all();
  }
  void WaitForWriter() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ != 0; });
  }

 private:
  void WaitUntilLet() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return is_open_; });
    --waiting_;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = true;
  int waiting_ = 0;
};

TEST_F(SpoolReadTest, SlowDiskHoldsUpNobodyAndWhatEvictionTookIsALossInItsPlace) {
  const auto files = std::make_shared<SlowFiles>();
  NodeSetup setup = Setup();
  setup.files = files;
  {
    Node node(setup);
    node.StartEpoch(kEpoch, 1);
    node.Append(10, 200);
    ASSERT_TRUE(node.IsSpooled());
    files->Let(false);
    node.Append(10, 200);
    files->WaitForWriter();
    // The source goes on, far beyond the log's bound; so does a live reader.
    for (int i = 0; i < 100; ++i) node.Append(200, 200);
    EXPECT_EQ(Records(node.Read(hub::StartLast{100})), 100u);
    // Somebody further back waits for what the writer has in hand.
    auto position = node.log().Seek(hub::StartAt{{kEpoch, 10}});
    EXPECT_TRUE(node.log().Read(*position, 4096).empty());
    files->Let(true);
    ASSERT_TRUE(node.IsSpooled());
    const std::vector<Seen> seen = node.Read(hub::StartOldest{});
    EXPECT_EQ(Records(seen) + Lost(seen), 20'020u);
    EXPECT_GT(LostNumbers(seen, LossStage::kSpool), 1000u);
    EXPECT_EQ(LostNumbers(seen, LossStage::kSpool), Lost(seen));
  }
  Node node(setup);
  const std::vector<Seen> seen = node.Read(hub::StartOldest{});
  EXPECT_EQ(Records(seen) + Lost(seen), 20'020u);
  EXPECT_GT(LostNumbers(seen, LossStage::kSpool), 1000u);
}

TEST_F(SpoolReadTest, FileIsReadAlsoWhileItGetsItsLastName) {
  const auto files = std::make_shared<SlowFiles>();
  NodeSetup setup = Setup();
  setup.files = files;
  setup.limits.max_bytes = 2 << 20;  // files of 64 KiB
  setup.log.max_bytes = 96 << 10;
  Node node(setup);
  node.StartEpoch(kEpoch, 1);
  node.Append(50, 1200);
  ASSERT_TRUE(node.IsSpooled());
  files->Let(false);
  node.Append(50, 1200);  // is for the next file
  files->WaitForWriter();
  EXPECT_EQ(Records(node.Read(hub::StartAt{{kEpoch, 0}})), 100u);
  EXPECT_EQ(Records(node.Read(hub::StartLast{100})), 100u);
  EXPECT_TRUE(node.spool().problems().empty());
  files->Let(true);
}

TEST_F(SpoolReadTest, ManyReadersFinishWithMemoryForOneChunk) {
  RunOnce(8000, kEpoch, 1000);  // 8 MiB
  NodeSetup setup = Setup();
  setup.max_read_bytes = 1;
  Node node(setup);
  node.StartEpoch(kEpoch, 8001);
  std::vector<std::thread> readers;
  for (uint64_t i = 0; i < 8; ++i) {
    readers.emplace_back([&node, i] {
      const std::vector<Seen> seen = node.Read(hub::StartAt{{kEpoch, i * 900}}, 64 << 10);
      EXPECT_EQ(Records(seen), 8000 - i * 900);
    });
  }
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace kchan::spool
