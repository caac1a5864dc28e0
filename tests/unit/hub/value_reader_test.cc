// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/value_reader.h"

#include <atomic>
#include <thread>

#include "tests/unit/hub/hub_testing.h"

namespace kchan::hub {
namespace {

using testing::CountingWaiter;

std::shared_ptr<const ValueSnapshot> Snapshot(uint64_t version, uint64_t generation = 1) {
  return std::make_shared<const ValueSnapshot>(
      ValueSnapshot{.version = version, .words = {{"word", version}}, .generation = generation});
}

class ValueReaderTest : public testing::HubTest {
 protected:
  ValueReaderTest() {
    channel_ = AddValues();
    channel_->SetState(ChannelState::kIdle, "");
  }
  std::shared_ptr<Channel> AddValues() {
    ChannelDescription description;
    description.name = "limits";
    description.volume = Volume::kValue;
    return hub_.Upsert(std::make_shared<const ChannelDescription>(description));
  }
  ValueFeed& feed() { return channel_->values(); }

  std::shared_ptr<Channel> channel_;
  CountingWaiter waiter_;
};

TEST_F(ValueReaderTest, ChangesThatWereNotGivenAreCounted) {
  ValueReader reader(hub_, channel_, &waiter_);
  feed().Set(Snapshot(10));
  EXPECT_EQ(reader.Take().duplicates, 0u) << "who comes first has not been given any";
  feed().Set(Snapshot(11));
  EXPECT_EQ(reader.Take().duplicates, 0u);
  feed().Set(Snapshot(12));
  feed().Set(Snapshot(15));  // the source had joined two
  const ValueUpdate update = reader.Take();
  EXPECT_EQ(update.duplicates, 3u);
  EXPECT_EQ(update.snapshot->version, 15u);
  EXPECT_TRUE(update.changed);
  const ValueUpdate again = reader.Take();
  EXPECT_EQ(again.duplicates, 0u);
  EXPECT_FALSE(again.changed);
}

TEST_F(ValueReaderTest, NewGenerationCountsItsOwnChanges) {
  EXPECT_EQ(ChangesBetween(*Snapshot(100, 1), *Snapshot(5, 2)), 4u);
  EXPECT_EQ(ChangesBetween(*Snapshot(100, 1), *Snapshot(200, 2)), 199u);
  EXPECT_EQ(ChangesBetween(*Snapshot(100, 1), *Snapshot(0, 2)), 0u);
  EXPECT_EQ(ChangesBetween(*Snapshot(100, 0), *Snapshot(5, 0)), 4u) << "nobody told it apart";
  EXPECT_EQ(ChangesBetween(*Snapshot(7, 1), *Snapshot(7, 1)), 0u);
}

TEST_F(ValueReaderTest, SameVersionAgainIsNoChange) {
  ValueReader reader(hub_, channel_, &waiter_);
  feed().Set(Snapshot(1));
  reader.Take();
  feed().Set(Snapshot(1));
  EXPECT_FALSE(reader.HasChanged());
  feed().Set(Snapshot(1, 2));
  EXPECT_TRUE(reader.HasChanged());
}

TEST_F(ValueReaderTest, BeginsWithFreshValuesOrWhenNoneWillCome) {
  feed().Set(Snapshot(1));
  feed().Clear();  // of an earlier reader
  ValueReader reader(hub_, channel_, &waiter_);
  EXPECT_FALSE(reader.ready());
  feed().Set(Snapshot(2));
  EXPECT_TRUE(reader.ready());
  feed().Clear();
  EXPECT_FALSE(reader.ready());
  channel_->SetState(ChannelState::kEnded, "unloaded");
  EXPECT_TRUE(reader.ready());
  const ValueUpdate update = reader.Take();
  EXPECT_TRUE(update.stale);
  EXPECT_EQ(update.snapshot->version, 2u);
}

TEST_F(ValueReaderTest, KernelSideThatGoesAndReturnsIsTwoChanges) {
  ValueReader reader(hub_, channel_, &waiter_);
  feed().Set(Snapshot(3));
  reader.Take();
  feed().Clear();
  EXPECT_TRUE(reader.HasChanged());
  EXPECT_TRUE(reader.Take().stale);
  feed().Set(Snapshot(3));
  EXPECT_TRUE(reader.HasChanged());
  const ValueUpdate update = reader.Take();
  EXPECT_FALSE(update.stale);
  EXPECT_EQ(update.duplicates, 0u);
}

TEST_F(ValueReaderTest, WaiterIsToldOnceWhatTheReaderHasNotSeen) {
  ValueReader reader(hub_, channel_, &waiter_);
  feed().Set(Snapshot(1));
  EXPECT_FALSE(reader.Wait());
  reader.Take();
  EXPECT_TRUE(reader.Wait());
  EXPECT_EQ(waiter_.count, 0);
  feed().Set(Snapshot(2));
  feed().Set(Snapshot(3));
  EXPECT_EQ(waiter_.count, 1);
  EXPECT_FALSE(reader.Wait());
}

TEST_F(ValueReaderTest, RemovedReaderIsNotNotified) {
  {
    ValueReader reader(hub_, channel_, &waiter_);
    EXPECT_TRUE(reader.Wait());
    EXPECT_EQ(channel_->readers(), 1u);
  }
  EXPECT_EQ(channel_->readers(), 0u);
  feed().Set(Snapshot(1));
  EXPECT_EQ(waiter_.count, 0);
}

TEST_F(ValueReaderTest, ReplacedChannelGoesOnInItsNumbering) {
  ValueReader reader(hub_, channel_, &waiter_);
  feed().Set(Snapshot(5));
  reader.Take();
  hub_.Remove("limits");
  const auto successor = AddValues();
  reader.Replace(successor);
  EXPECT_EQ(channel_->readers(), 0u);
  EXPECT_EQ(successor->readers(), 1u);
  EXPECT_TRUE(reader.Take().stale);
  EXPECT_TRUE(reader.Wait());
  successor->values().Set(Snapshot(8));
  EXPECT_EQ(waiter_.count, 1);
  EXPECT_EQ(reader.Take().duplicates, 2u);
}

TEST_F(ValueReaderTest, NothingIsCountedTwiceOrNotAtAllUnderLoad) {
  constexpr uint64_t kChanges = 20'000;
  ValueReader reader(hub_, channel_, &waiter_);
  feed().Set(Snapshot(0));
  uint64_t given = 0;
  reader.Take();
  std::thread writer([this] {
    for (uint64_t version = 1; version <= kChanges; ++version) feed().Set(Snapshot(version));
  });
  for (uint64_t version = 0; version < kChanges;) {
    if (!reader.HasChanged()) continue;
    const ValueUpdate update = reader.Take();
    given += update.duplicates + 1;
    version = update.snapshot->version;
  }
  writer.join();
  EXPECT_EQ(given, kChanges);
}

}  // namespace
}  // namespace kchan::hub
