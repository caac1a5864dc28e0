// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/hub.h"

#include "tests/unit/hub/hub_testing.h"

namespace kchan::hub {
namespace {

using testing::CountingWaiter;
using testing::Description;
using testing::HubTest;

// Counts calls; what is asked of it is not this test's business.
class FakeDoor : public KernelDoor {
 public:
  KernelAnswer Publish(const std::string&, uint32_t, std::span<const std::byte>) override {
    return {};
  }
  KernelAnswer Update(const std::string&, const ChannelSettings&) override { return {}; }
  void DemandChanged(std::shared_ptr<Channel> channel) override {
    demands.emplace_back(channel->name(), channel->readers());
  }
  std::vector<std::pair<std::string, uint64_t>> demands;
};

TEST_F(HubTest, UpsertFindsOrMakes) {
  auto channel = Add("exec");
  EXPECT_EQ(hub_.Upsert(Description("exec", "new text")), channel);
  EXPECT_EQ(channel->snapshot().description->documentation, "new text");
  EXPECT_EQ(hub_.Find("exec"), channel);
  EXPECT_EQ(hub_.Find("exe"), nullptr);
}

TEST_F(HubTest, ListIsInOrderOfName) {
  for (const char* name : {"c", "a", "b"}) Add(name);
  std::string names;
  for (const auto& channel : hub_.List()) names += channel->name();
  EXPECT_EQ(names, "abc");
}

TEST_F(HubTest, ChannelsAreBounded) {
  for (const char* name : {"a", "b", "c", "d"}) Add(name);
  EXPECT_EQ(hub_.Upsert(Description("e")), nullptr);
  EXPECT_NE(hub_.Upsert(Description("a")), nullptr);
  hub_.Remove("b");
  EXPECT_NE(hub_.Upsert(Description("e")), nullptr);
}

TEST_F(HubTest, FullHubGivesThePlaceOfTheChannelThatEndedFirst) {
  for (const char* name : {"a", "b", "c", "d"}) Add(name);
  const auto end = [&](const char* name) {
    hub_.Find(name)->SetState(ChannelState::kEnded, "unloaded");
  };
  end("c");
  end("a");
  end("b");
  hub_.Find("c")->SetState(ChannelState::kEnded, "another reason");  // since when stays
  const ChannelDemand reader(hub_, hub_.Find("a"));
  EXPECT_NE(hub_.Upsert(Description("e")), nullptr);
  EXPECT_EQ(hub_.Find("c"), nullptr);
  EXPECT_NE(hub_.Upsert(Description("f")), nullptr);
  EXPECT_EQ(hub_.Find("b"), nullptr) << "a has a reader";
  EXPECT_EQ(hub_.Upsert(Description("g")), nullptr);
  hub_.Find("f")->SetState(ChannelState::kEnded, "");
  hub_.Find("f")->SetState(ChannelState::kLive, "");
  EXPECT_EQ(hub_.Upsert(Description("g")), nullptr) << "f has come back";
}

TEST_F(HubTest, ChannelThatHasRecordsNowIsAnotherOneWithALog) {
  ChannelDescription value;
  value.name = "exec";
  value.volume = Volume::kValue;
  const auto values = hub_.Upsert(std::make_shared<const ChannelDescription>(value));
  const auto records = hub_.Upsert(Description("exec"));
  ASSERT_NE(records, nullptr);
  EXPECT_NE(records, values);
  EXPECT_EQ(hub_.Find("exec"), records);
  EXPECT_GT(records->log().max_bytes(), 0u);
}

TEST_F(HubTest, EveryChangeGrowsTheVersionAndNothingElseDoes) {
  uint64_t version = hub_.version();
  const auto grew = [&] { return std::exchange(version, hub_.version()) < hub_.version(); };
  auto channel = Add("exec");
  EXPECT_TRUE(grew());
  hub_.Upsert(Description("exec"));
  EXPECT_FALSE(grew());
  hub_.Upsert(Description("exec", "text"));
  EXPECT_TRUE(grew());
  channel->SetState(ChannelState::kLive, "");
  EXPECT_TRUE(grew());
  channel->SetState(ChannelState::kLive, "");
  EXPECT_FALSE(grew());
  auto schema = std::make_shared<const Schema>(Schema{.id = 5});
  channel->SetSchema(schema);
  EXPECT_TRUE(grew());
  channel->SetSchema(schema);
  EXPECT_FALSE(grew());
  hub_.SetKernelSide({.state = KernelSideState::kAbsent});
  EXPECT_TRUE(grew());
  hub_.SetKernelSide({.state = KernelSideState::kAbsent});
  EXPECT_FALSE(grew());
  hub_.Remove("exec");
  EXPECT_TRUE(grew());
  hub_.Remove("exec");
  EXPECT_FALSE(grew());
}

TEST_F(HubTest, WaiterIsNotifiedOnceOfAChange) {
  CountingWaiter waiter;
  ASSERT_TRUE(hub_.Wait(hub_.version(), &waiter));
  Add("a");
  Add("b");
  EXPECT_EQ(waiter.count, 1);
  EXPECT_FALSE(hub_.Wait(hub_.version() - 1, &waiter));
  ASSERT_TRUE(hub_.Wait(hub_.version(), &waiter));
  hub_.Disarm(&waiter);
  Add("c");
  EXPECT_EQ(waiter.count, 1);
}

TEST_F(HubTest, OldSchemasStayFindable) {
  auto channel = Add("exec");
  EXPECT_EQ(channel->FindSchema(1), nullptr);
  for (uint64_t id = 1; id <= 3 * Log::kMaxEpochs; ++id) {
    channel->SetSchema(std::make_shared<const Schema>(Schema{.id = id}));
  }
  EXPECT_EQ(channel->snapshot().schema->id, 3 * Log::kMaxEpochs);
  for (uint64_t id = 2 * Log::kMaxEpochs; id <= 3 * Log::kMaxEpochs; ++id) {
    ASSERT_NE(channel->FindSchema(id), nullptr) << id;
  }
  EXPECT_EQ(channel->FindSchema(1), nullptr) << "bounded";
}

TEST_F(HubTest, SchemaThatComesBackIsCurrentAgain) {
  auto channel = Add("exec");
  for (const uint64_t id : {1, 2, 1}) {
    channel->SetSchema(std::make_shared<const Schema>(Schema{.id = id}));
  }
  EXPECT_EQ(channel->snapshot().schema->id, 1u);
  EXPECT_NE(channel->FindSchema(2), nullptr);
}

TEST_F(HubTest, DoorHearsOfTheFirstAndTheLastReader) {
  FakeDoor door;
  hub_.SetDoor(&door);
  auto channel = Add("exec");
  {
    const ChannelDemand first(hub_, channel);
    const ChannelDemand second(hub_, channel);
    EXPECT_EQ(channel->readers(), 2u);
  }
  const std::vector<std::pair<std::string, uint64_t>> expected{{"exec", 1}, {"exec", 0}};
  EXPECT_EQ(door.demands, expected);
}

TEST_F(HubTest, PinnedWaiterIsToldBeyondTheBound) {
  Hub hub({.max_channels = 1, .max_log_bytes = 1 << 20, .max_pinned_bytes = 20 << 10},
          [](std::string_view) { return kLogLimits; });
  CountingWaiter waiter;
  hub.SetPinnedWaiter(&waiter);
  auto channel = hub.Upsert(Description("exec"));
  channel->log().StartEpoch(kEpoch, kSchema, 1);
  Append(*channel, 60, 500);  // two segments
  LogPosition position = *channel->log().Seek(StartOldest{});
  LogBatch first = channel->log().Read(position, 1);
  Append(*channel, 1000, 500);
  EXPECT_EQ(waiter.count, 0) << "one segment is within the bound";

  position = *channel->log().Seek(StartOldest{});
  const LogBatch second = channel->log().Read(position, 1);
  Append(*channel, 1000, 500);
  EXPECT_GT(waiter.count, 0);
  first = {};
  hub.SetPinnedWaiter(nullptr);
  const int before = waiter.count;
  Append(*channel, 1000, 500);
  EXPECT_EQ(waiter.count, before);
}

TEST_F(HubTest, RemovedChannelLivesAsLongAsItsUsers) {
  auto channel = AddLive("exec");
  Append(*channel, 3);
  hub_.Remove("exec");
  EXPECT_EQ(hub_.Find("exec"), nullptr);
  EXPECT_GT(hub_.memory().log_bytes.load(), 0u);
  channel.reset();
  EXPECT_EQ(hub_.memory().log_bytes.load(), 0u);
}

}  // namespace
}  // namespace kchan::hub
