// SPDX-License-Identifier: Apache-2.0
// A source, the spool's two threads and readers at full speed; made for
// ThreadSanitizer.
#include <gtest/gtest.h>

#include <thread>

#include "tests/unit/spool/spool_testing.h"

namespace kchan::spool {
namespace {

using testing::Node;
using testing::NodeSetup;
using testing::Seen;

TEST(SpoolThreadTest, ReadersOfMovingHistoryGetEachNumberOnce) {
  const testing::TemporaryFolder folder;
  NodeSetup setup{.directory = folder.path()};
  setup.log.max_bytes = 128 << 10;
  setup.limits.max_bytes = 2 << 20;  // old files go while they are read
  setup.max_read_bytes = 512 << 10;
  Node node(setup);
  node.StartEpoch(Node::kEpoch, 1);
  node.Append(1, 200);
  std::thread source([&] {
    for (int i = 0; i < 600; ++i) node.Append(50, 200);
  });
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      for (int round = 0; round < 5; ++round) {
        // Until what was the end when it began; Read() checks order and payloads.
        const std::vector<Seen> seen = node.Read(hub::StartAt{{Node::kEpoch, 0}}, 32 << 10);
        EXPECT_EQ(seen.front().first, 1u);
      }
    });
  }
  source.join();
  for (std::thread& reader : readers) reader.join();
  ASSERT_TRUE(node.IsSpooled());
  const std::vector<Seen> seen = node.Read(hub::StartAt{{Node::kEpoch, 0}});
  EXPECT_EQ(testing::Records(seen) + testing::Lost(seen), 30'001u);
  // A file that goes while somebody is about to read it is no damage.
  for (const hub::Problem& problem : node.spool().problems()) {
    ADD_FAILURE() << problem.subject << ": " << problem.description;
  }
}

}  // namespace
}  // namespace kchan::spool
