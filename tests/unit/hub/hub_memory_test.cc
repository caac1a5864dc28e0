// SPDX-License-Identifier: Apache-2.0
// The logs of a hub share its memory.
#include <map>
#include <string>

#include "bridge/hub/hub.h"
#include "tests/unit/hub/hub_testing.h"

namespace kchan::hub {
namespace {

using testing::Description;
using testing::Follower;
using testing::HubTest;
using testing::LostNumbers;
using testing::RecordNumbers;

constexpr uint64_t kAll = 256 << 10;

class HubMemoryTest : public HubTest {
 protected:
  std::shared_ptr<Channel> Live(const std::string& name) {
    auto channel = small_.Upsert(Description(name));
    EXPECT_NE(channel, nullptr);
    channel->log().StartEpoch(kEpoch, kSchema, 1);
    return channel;
  }

  // As a flood does; the bound holds all the time.
  void Flood(Channel& channel, int records, size_t payload_bytes = 1000) {
    for (int i = 0; i < records; ++i) {
      Append(channel, 1, payload_bytes);
      ASSERT_LE(small_.memory().log_bytes.load(), kAll);
    }
  }

  // Each log alone may have as much as all.
  Hub small_{
      {.max_channels = 8, .max_log_bytes = kAll, .max_pinned_bytes = 1 << 20},
      [](std::string_view) { return LogLimits{.max_bytes = kAll, .segment_bytes = 16 << 10}; }};
};

TEST_F(HubMemoryTest, ChannelThatHasWrittenNothingTakesNothing) {
  Hub hub({.max_channels = 200, .max_log_bytes = 4 << 20},
          [](std::string_view) { return LogLimits{.max_bytes = 1 << 20}; });
  for (int i = 0; i < 200; ++i) {
    ASSERT_NE(hub.Upsert(Description("channel" + std::to_string(i))), nullptr) << i;
  }
  EXPECT_EQ(hub.memory().log_bytes.load(), 0u);
}

TEST_F(HubMemoryTest, TwoHundredBusyChannelsEachKeepSomething) {
  constexpr uint64_t kBound = 4 << 20;
  Hub hub({.max_channels = 200, .max_log_bytes = kBound},
          [](std::string_view) { return LogLimits{.max_bytes = 1 << 20}; });
  for (int i = 0; i < 200; ++i) {
    const auto channel = hub.Upsert(Description("channel" + std::to_string(i)));
    channel->log().StartEpoch(kEpoch, kSchema, 1);
  }
  for (int round = 0; round < 100; ++round) {
    for (const auto& channel : hub.List()) Append(*channel, 5, 200);
    ASSERT_LE(hub.memory().log_bytes.load(), kBound);
  }
  for (const auto& channel : hub.List()) {
    const LogExtent extent = channel->log().extent();
    EXPECT_EQ(extent.last_sequence, 500u);
    EXPECT_NE(extent.oldest_sequence, 0u) << channel->name();
    EXPECT_LT(extent.oldest_sequence, 480u) << channel->name() << " has almost nothing";
  }
}

TEST_F(HubMemoryTest, FloodInOneLeavesAQuietOneItsHistory) {
  const auto quiet = Live("quiet");
  Append(*quiet, 20, 100);
  Flood(*Live("flood"), 2000);
  EXPECT_EQ(quiet->log().extent().oldest_sequence, 1u);
  EXPECT_EQ(Follower(quiet->log(), StartOldest()).ReadAll().size(), 20u);
}

TEST_F(HubMemoryTest, LongLogMakesRoomForOneThatComes) {
  const auto first = Live("first");
  Flood(*first, 2000);
  const uint64_t alone = first->log().extent().bytes;
  EXPECT_GT(alone, kAll * 3 / 4);
  const auto second = Live("second");
  Flood(*second, 2000);
  EXPECT_LT(first->log().extent().bytes, kAll * 5 / 8);
  EXPECT_GT(first->log().extent().bytes, kAll * 3 / 8);
  EXPECT_GT(second->log().extent().bytes, kAll * 3 / 8);
}

TEST_F(HubMemoryTest, ReaderCountsWhatItsLogGaveUpForAnother) {
  const auto first = Live("first");
  Follower reader(first->log(), StartNow());
  Flood(*first, 200);
  Flood(*Live("second"), 2000);
  const auto seen = reader.ReadAll();
  EXPECT_GT(LostNumbers(seen, LossStage::kLogEviction), 0u);
  EXPECT_EQ(LostNumbers(seen) + RecordNumbers(seen).size(), 200u);
  EXPECT_EQ(first->log().extent().evicted_records, LostNumbers(seen));
}

// As the stalled reader pins it, another's segment is not free: only counted elsewhere.
TEST_F(HubMemoryTest, SegmentThatIsReadCountsAsPinnedWhenAnotherLogTakesItsPlace) {
  const auto first = Live("first");
  Flood(*first, 200);
  LogPosition position = *first->log().Seek(StartOldest{});
  LogBatch held = first->log().Read(position, 1);
  const uint64_t bytes = held.slices[0].segment->capacity();
  Flood(*Live("second"), 2000);
  EXPECT_TRUE(held.slices[0].segment->evicted());
  EXPECT_EQ(small_.memory().pinned_bytes.load(), bytes);
  held = {};
  EXPECT_EQ(small_.memory().pinned_bytes.load(), 0u);
}

TEST_F(HubMemoryTest, RecordLongerThanAllMemoryIsEvictedAtOnce) {
  const auto channel = Live("exec");
  Follower reader(channel->log(), StartNow());
  Append(*channel, 3, 100);
  Append(*channel, 2, kAll);
  EXPECT_LE(small_.memory().log_bytes.load(), kAll);
  Append(*channel, 4, 100);
  const auto seen = reader.ReadAll();
  EXPECT_EQ(RecordNumbers(seen), testing::Range(6, 9));
  EXPECT_EQ(LostNumbers(seen, LossStage::kLogEviction), 5u);
  EXPECT_EQ(channel->log().extent().records, 9u);
  EXPECT_EQ(channel->log().extent().evicted_records, 5u);
}

TEST_F(HubMemoryTest, ReaderIsWokenOfARecordThatWasEvictedAtOnce) {
  const auto channel = Live("exec");
  testing::CountingWaiter waiter;
  const LogPosition position = *channel->log().Seek(StartNow{});
  ASSERT_TRUE(channel->log().Wait(position, &waiter));
  Append(*channel, 1, kAll);
  EXPECT_EQ(waiter.count, 1);
}

TEST_F(HubMemoryTest, NewLimitsOfLogsHoldAtOnce) {
  std::map<std::string, size_t, std::less<>> wanted{{"a", 128 << 10}, {"b", 32 << 10}};
  Hub hub({.max_channels = 8, .max_log_bytes = kAll}, [&](std::string_view name) {
    return LogLimits{.max_bytes = wanted.find(name)->second, .segment_bytes = 8 << 10};
  });
  for (const char* name : {"a", "b"}) {
    hub.Upsert(Description(name))->log().StartEpoch(kEpoch, kSchema, 1);
    Append(*hub.Find(name), 500, 1000);
  }
  const auto bytes = [&](const char* name) { return hub.Find(name)->log().extent().bytes; };
  EXPECT_GT(bytes("a"), size_t{96 << 10});
  wanted = {{"a", 32 << 10}, {"b", 128 << 10}};
  hub.UpdateLogLimits();
  EXPECT_LE(bytes("a"), size_t{32 << 10}) << "without another record";
  Append(*hub.Find("b"), 500, 1000);
  EXPECT_GT(bytes("b"), size_t{96 << 10});
  EXPECT_LE(bytes("b"), size_t{128 << 10});
}

TEST_F(HubMemoryTest, ChannelWithoutRecordsHasNoLog) {
  ChannelDescription value;
  value.name = "value";
  value.volume = Volume::kValue;
  const auto channel = small_.Upsert(std::make_shared<const ChannelDescription>(value));
  ASSERT_NE(channel, nullptr);
  EXPECT_EQ(channel->log().max_bytes(), 0u);
  small_.UpdateLogLimits();
  EXPECT_EQ(channel->log().max_bytes(), 0u);
}

TEST_F(HubMemoryTest, RemovedChannelGivesItsMemoryBack) {
  Flood(*Live("first"), 500);
  small_.Remove("first");
  EXPECT_EQ(small_.memory().log_bytes.load(), 0u);
}

}  // namespace
}  // namespace kchan::hub
