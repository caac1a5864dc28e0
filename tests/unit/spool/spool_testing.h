// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_UNIT_SPOOL_SPOOL_TESTING_H_
#define KCHAN_TESTS_UNIT_SPOOL_SPOOL_TESTING_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bridge/hub/hub.h"
#include "bridge/spool/spool.h"
#include "tests/unit/hub/log_testing.h"

namespace kchan::spool::testing {

using hub::testing::Seen;

// A folder of its own, gone with the test.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Waits until `is_true`, 30 s at most.
bool Eventually(const std::function<bool()>& is_true);

// A schema of one type, told apart by `name`.
std::shared_ptr<const hub::Schema> SchemaNamed(const std::string& name);

using ClockOffsets = std::vector<std::optional<int64_t>>;

struct NodeSetup {
  std::string directory;
  SpoolLimits limits{
      .max_bytes = 64 << 20, .max_age = std::chrono::seconds(0), .fsync = Fsync::kNever};
  hub::LogLimits log{.max_bytes = 1 << 20, .segment_bytes = 16 << 10};
  SpoolPace pace{.gather = std::chrono::milliseconds(0),
                 .sync = std::chrono::milliseconds(5),
                 .first_retry = std::chrono::milliseconds(2),
                 .last_retry = std::chrono::milliseconds(20)};
  uint64_t max_total_bytes = 1ull << 30;
  uint64_t max_read_bytes = 1 << 20;
  std::shared_ptr<Files> files = nullptr;
  std::string boot_id = "boot-1";
};

// A daemon without its edges: a hub, a spool, and the channel "c" with somebody
// who writes it. Destroyed, it has ended well.
class Node {
 public:
  static constexpr uint64_t kEpoch = 0xe1;
  static constexpr char kChannel[] = "c";

  explicit Node(const NodeSetup& setup);
  ~Node();

  // A source that goes on with `next_sequence` in `epoch`.
  void StartEpoch(uint64_t epoch, uint64_t next_sequence, bool has_history = false);
  // Appends records whose payload tells their number, and publishes.
  void Append(uint64_t count, size_t payload_bytes = 32);
  // Until the log's last number is on disk.
  bool IsSpooled();

  hub::Hub& hub() { return hub_; }
  hub::Channel& channel() { return *channel_; }
  hub::Log& log() { return channel_->log(); }
  hub::History& history() { return *log().history(); }
  Spool& spool() { return *spool_; }
  std::vector<std::string> notes();

  // Reads from `start` to the log's end, over the disk where it has to. A number
  // that comes twice, is left out or has another record's payload is a failure.
  // Adds each batch's clock offset to `clock_offsets`.
  std::vector<Seen> Read(const hub::Start& start, size_t max_bytes = 256 << 10,
                         ClockOffsets* clock_offsets = nullptr);
  // The hub forgets the channel, and it comes again.
  void ForgetChannel();

 private:
  void MakeChannel();

  hub::Hub hub_;
  std::mutex notes_mutex_;
  std::vector<std::string> notes_;
  std::unique_ptr<Spool> spool_;
  std::shared_ptr<hub::Channel> channel_;
};

// Tests that begin with what an earlier daemon has left.
class SpoolReadTest : public ::testing::Test {
 protected:
  NodeSetup Setup() const { return {.directory = folder_.path()}; }
  // A daemon that has had `records` records, and ended.
  void RunOnce(uint64_t records, uint64_t epoch = Node::kEpoch, size_t payload_bytes = 200) const {
    Node node(Setup());
    node.StartEpoch(epoch, 1);
    for (uint64_t i = 0; i < records; i += 50) {
      node.Append(std::min<uint64_t>(50, records - i), payload_bytes);
      ASSERT_TRUE(node.IsSpooled());
    }
  }

  const TemporaryFolder folder_;
};

// The sum of what was lost, and how many records there are.
uint64_t Lost(const std::vector<Seen>& seen);
uint64_t Records(const std::vector<Seen>& seen);

}  // namespace kchan::spool::testing

#endif  // KCHAN_TESTS_UNIT_SPOOL_SPOOL_TESTING_H_
