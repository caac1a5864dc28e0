// SPDX-License-Identifier: Apache-2.0
// Disks that are full, read-only, or somebody else's.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/unit/spool/spool_testing.h"

namespace kchan::spool {
namespace {

namespace fs = std::filesystem;
using testing::Eventually;
using testing::Node;
using testing::NodeSetup;
using testing::Seen;

constexpr size_t kPayloadBytes = 1000;

// A little disk of its own, in this process' own mounts.
class SpoolDiskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0 ||
        mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, "size=1m") < 0) {
      GTEST_SKIP() << "cannot mount a little disk: " << std::strerror(errno) << "; run as root";
    }
    is_mounted_ = true;
  }
  void TearDown() override {
    if (is_mounted_) umount2(folder_.path().c_str(), MNT_DETACH);
  }

  NodeSetup Setup() const {
    NodeSetup setup{.directory = folder_.path() + "/spool"};
    setup.log.max_bytes = 256 << 10;
    return setup;
  }
  void FillDisk() const {
    std::ofstream file(folder_.path() + "/filler", std::ios::binary);
    const std::string block(4096, 'x');
    while (file.write(block.data(), 4096).flush()) {
    }
  }
  void EmptyDisk() const { fs::remove(folder_.path() + "/filler"); }
  void Remount(unsigned long flags) const {
    ASSERT_EQ(mount("tmpfs", folder_.path().c_str(), nullptr, MS_REMOUNT | flags, "size=1m"), 0)
        << std::strerror(errno);
  }
  static bool IsDegraded(Node& node) {
    return node.history().extent().state == hub::HistoryState::kDegraded;
  }

  const testing::TemporaryFolder folder_;
  bool is_mounted_ = false;
};

TEST_F(SpoolDiskTest, FullDiskDegradesSaysSoAndGoesOnWithTheGapAsALoss) {
  Node node(Setup());
  node.StartEpoch(Node::kEpoch, 1);
  node.Append(100, kPayloadBytes);
  ASSERT_TRUE(node.IsSpooled());
  FillDisk();
  node.Append(100, kPayloadBytes);
  ASSERT_TRUE(Eventually([&] { return IsDegraded(node); }));
  const auto problems = node.hub().problems();
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].subject, "spool of channel c");
  EXPECT_NE(problems[0].description.find("No space left"), std::string::npos);
  EXPECT_NE(problems[0].remedy.find("make room"), std::string::npos);

  // The log goes over what could not be written, and readers are told at once.
  node.Append(1000, kPayloadBytes);
  const std::vector<Seen> meanwhile = node.Read(hub::StartOldest{});
  EXPECT_EQ(testing::Records(meanwhile) + testing::Lost(meanwhile), 1200u);
  EXPECT_EQ(hub::testing::LostNumbers(meanwhile, hub::LossStage::kSpool), testing::Lost(meanwhile));
  EXPECT_GT(testing::Lost(meanwhile), 500u);

  EmptyDisk();
  ASSERT_TRUE(Eventually([&] { return !IsDegraded(node); }));
  ASSERT_TRUE(node.IsSpooled());
  EXPECT_TRUE(node.hub().problems().empty());
  // A line when it began, one when it ended, however often it was tried.
  EXPECT_EQ(node.notes().size(), 2u);

  // What is behind memory now comes from disk, the loss in its place.
  node.Append(300, kPayloadBytes);
  ASSERT_TRUE(node.IsSpooled());
  const std::vector<Seen> after = node.Read(hub::StartOldest{});
  EXPECT_EQ(testing::Records(after) + testing::Lost(after), 1500u);
  EXPECT_EQ(hub::testing::LostNumbers(after, hub::LossStage::kSpool), testing::Lost(after));
}

TEST_F(SpoolDiskTest, OwnBoundLetsOldFilesGoOnAFullDisk) {
  NodeSetup setup = Setup();
  setup.limits.max_bytes = 1 << 20;  // as large as the disk, which has less room
  setup.max_total_bytes = 512 << 10;
  Node node(setup);
  node.StartEpoch(Node::kEpoch, 1);
  for (int i = 0; i < 30; ++i) {
    node.Append(100, kPayloadBytes);
    ASSERT_TRUE(node.IsSpooled());
  }
  EXPECT_FALSE(IsDegraded(node));
  EXPECT_LE(node.history().extent().bytes, 512u << 10);
  const std::vector<Seen> seen = node.Read(hub::StartOldest{});
  EXPECT_EQ(testing::Lost(seen), 0u);
  EXPECT_EQ(seen.back().first, 3000u);
}

TEST_F(SpoolDiskTest, ReadOnlyDiskIsServedAndWrittenAgainWhenItCanBe) {
  {
    Node node(Setup());
    node.StartEpoch(Node::kEpoch, 1);
    node.Append(100, kPayloadBytes);
  }
  Remount(MS_RDONLY);
  Node node(Setup());
  node.StartEpoch(Node::kEpoch, 101);
  node.Append(50, kPayloadBytes);
  ASSERT_TRUE(Eventually([&] { return IsDegraded(node); }));
  EXPECT_NE(node.hub().problems()[0].description.find("Read-only"), std::string::npos);
  const std::vector<Seen> seen = node.Read(hub::StartOldest{});
  EXPECT_EQ(testing::Records(seen), 150u);
  EXPECT_EQ(testing::Lost(seen), 0u);
  Remount(0);
  ASSERT_TRUE(Eventually([&] { return !IsDegraded(node); }));
  ASSERT_TRUE(node.IsSpooled());
}

TEST_F(SpoolDiskTest, DirectoryOfAnotherDaemonIsLeftAloneUntilThatEnds) {
  auto first = std::make_unique<Node>(Setup());
  first->StartEpoch(Node::kEpoch, 1);
  first->Append(10);
  ASSERT_TRUE(first->IsSpooled());
  Node second(Setup());
  second.StartEpoch(Node::kEpoch + 1, 1);
  second.Append(10);
  ASSERT_TRUE(Eventually([&] { return IsDegraded(second); }));
  EXPECT_NE(second.hub().problems()[0].description.find("another kchand"), std::string::npos);
  first.reset();
  ASSERT_TRUE(Eventually([&] { return !IsDegraded(second); }));
  ASSERT_TRUE(second.IsSpooled());
  // The other one's files count, and are not mixed up with its own.
  EXPECT_EQ(testing::Records(second.Read(hub::StartOldest{})), 10u);
}

TEST_F(SpoolDiskTest, MissingParentIsAProblemThatNamesIt) {
  NodeSetup setup = Setup();
  setup.directory = folder_.path() + "/not/there";
  Node node(setup);
  node.StartEpoch(Node::kEpoch, 1);
  node.Append(10);
  ASSERT_TRUE(Eventually([&] { return IsDegraded(node); }));
  EXPECT_NE(node.hub().problems()[0].remedy.find("make the folder"), std::string::npos);
  fs::create_directory(folder_.path() + "/not");
  ASSERT_TRUE(Eventually([&] { return !IsDegraded(node); }));
}

TEST_F(SpoolDiskTest, FileThatIsGoneIsALossOfExactlyWhatItHad) {
  {
    Node node(Setup());
    node.StartEpoch(Node::kEpoch, 1);
    node.Append(100);
  }
  Node node(Setup());
  node.StartEpoch(Node::kEpoch, 101);
  node.Append(1);
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
    if (entry.path().extension() == ".spool") fs::remove(entry.path());
  }
  const std::vector<Seen> seen = node.Read(hub::StartAt{{Node::kEpoch, 0}});
  EXPECT_EQ(hub::testing::LostNumbers(seen, hub::LossStage::kSpool), 100u);
  EXPECT_EQ(testing::Records(seen), 1u);
  EXPECT_FALSE(node.hub().problems().empty());
}

}  // namespace
}  // namespace kchan::spool
