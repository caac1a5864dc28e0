// SPDX-License-Identifier: Apache-2.0
// Records by netlink: who gets them, and that their numbers add up.
#include <gtest/gtest.h>
#include <sched.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "testbed.h"

namespace kchan::guest {
namespace {

constexpr char kChannel[] = "test.genl";

// Follows one channel's numbers the way a client must.
struct Follower {
  uint64_t sequence = 0;  // covered so far
  uint64_t received = 0;
  uint64_t lost_in_queue = 0;
  uint64_t lost_in_multicast = 0;
  uint64_t last_counter = 0;

  void Take(const Message& message) {
    for (const Parsed& record : message.attributes.Nests(KCHAN_A_RECORD)) {
      const uint64_t number = record.U64(KCHAN_RECORD_A_SEQUENCE);
      ASSERT_GT(number, sequence);
      const uint64_t lost = record.U64(KCHAN_RECORD_A_LOST_BEFORE);
      ASSERT_LE(lost, number - sequence - 1);
      lost_in_queue += lost;
      lost_in_multicast += number - sequence - 1 - lost;
      sequence = number;
      received++;
      std::memcpy(&last_counter, record.Bytes(KCHAN_RECORD_A_PAYLOAD).data(), 8);
      EXPECT_EQ(last_counter - first_counter, number - first);
    }
    const uint64_t covered = message.attributes.U64(KCHAN_A_SEQUENCE);
    ASSERT_GE(covered, sequence);
    lost_in_queue += covered - sequence;
    sequence = covered;
  }

  uint64_t first = 0, first_counter = 0;
};

class RecordsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(testbed_.error, 0) << std::strerror(testbed_.error);
    id_ = GetChannel(socket_, kChannel).U32(KCHAN_A_CHANNEL_ID);
  }

  // Joins and enables as a client does; the reply's attributes.
  Parsed Enable(GenlSocket& socket) {
    EXPECT_EQ(socket.Join(KCHAN_GENL_GROUP_RECORDS), 0);
    const Answer answer = socket.Do(KCHAN_CMD_ENABLE, Named(kChannel));
    EXPECT_EQ(answer.error, 0) << answer.text;
    EXPECT_EQ(answer.messages.size(), 1u);
    return answer.messages.empty() ? Parsed() : answer.messages[0].attributes;
  }

  // Takes messages until number `last` is covered.
  void Follow(GenlSocket& socket, Follower& follower, uint64_t last) {
    Message message;
    while (follower.sequence < last) {
      ASSERT_TRUE(socket.Receive(
          [&](const Message& m) {
            return m.command == KCHAN_CMD_RECORDS_NTF &&
                   m.attributes.U32(KCHAN_A_CHANNEL_ID) == id_;
          },
          &message))
          << "stuck at " << follower.sequence << " of " << last;
      follower.Take(message);
    }
  }

  ScopedModule testbed_{"kchan_testbed"};
  GenlSocket socket_;   // commands
  GenlSocket records_;  // records
  uint32_t id_ = 0;
};

TEST_F(RecordsTest, ComeInOrderWithAllTheyCarry) {
  const Parsed enabled = Enable(records_);
  EXPECT_NE(enabled.U64(KCHAN_A_GENERATION), 0u);
  EXPECT_EQ(enabled.U64(KCHAN_A_SEQUENCE), 0u);
  PinToCpu(1);
  ASSERT_EQ(WriteRecords(socket_, kChannel, {.count = 1, .length = 100}), 0);
  Message message;
  ASSERT_TRUE(records_.Receive([](const Message& m) { return m.command == KCHAN_CMD_RECORDS_NTF; },
                               &message));
  EXPECT_EQ(message.attributes.U32(KCHAN_A_CHANNEL_ID), id_);
  EXPECT_EQ(message.attributes.U64(KCHAN_A_GENERATION), enabled.U64(KCHAN_A_GENERATION));
  EXPECT_EQ(message.attributes.U64(KCHAN_A_SEQUENCE), 1u);
  const auto records = message.attributes.Nests(KCHAN_A_RECORD);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].U64(KCHAN_RECORD_A_SEQUENCE), 1u);
  EXPECT_FALSE(records[0].Has(KCHAN_RECORD_A_LOST_BEFORE));
  EXPECT_GT(records[0].U64(KCHAN_RECORD_A_BOOTTIME_NS), 0u);
  EXPECT_EQ(records[0].U32(KCHAN_RECORD_A_CPU), 1u);
  EXPECT_EQ(records[0].U16(KCHAN_RECORD_A_TYPE), kWrittenType);
  EXPECT_EQ(records[0].Bytes(KCHAN_RECORD_A_PAYLOAD).size(), 100u);
}

// The queue holds less than one command writes: some are lost, and each is
// counted, whichever end of the burst it is at.
TEST_F(RecordsTest, ReceivedAndLostAddUp) {
  Enable(records_);
  Follower follower;
  follower.first = 1;
  follower.first_counter = 1;
  uint64_t attempts = 0;
  for (const uint32_t count : {1u, 10u, 3000u, 1u, 5000u}) {
    WriteRecords(socket_, kChannel, {.count = count, .length = 64});
    attempts += count;
    ASSERT_NO_FATAL_FAILURE(Follow(records_, follower, attempts));
    EXPECT_EQ(follower.received + follower.lost_in_queue, attempts);
  }
  EXPECT_EQ(follower.sequence, attempts);
  EXPECT_EQ(follower.lost_in_multicast, 0u);
  EXPECT_GT(follower.lost_in_queue, 0u);
}

// A listener whose buffer is too small knows from the numbers how many records
// it did not get.
TEST_F(RecordsTest, OverrunShowsInTheNumbers) {
  GenlSocket narrow(4096);
  Enable(narrow);
  Follower follower{.first = 1, .first_counter = 1};
  uint64_t attempts = 0;
  do {
    ASSERT_EQ(WriteRecords(socket_, kChannel, {.count = 100, .length = 64}), 0);
    attempts += 100;
    // The queue is empty: it is all sent, to whom it could be.
    ASSERT_TRUE(Eventually([&] {
      const Answer answer = socket_.Do(KCHAN_CMD_ENABLE, Named(kChannel));
      return answer.messages[0].attributes.U64(KCHAN_A_SEQUENCE) == attempts;
    }));
  } while (attempts < 10'000);
  Message message;
  while (narrow.Receive([](const Message&) { return true; }, &message, 0)) {
    ASSERT_NO_FATAL_FAILURE(follower.Take(message));
  }
  ASSERT_EQ(WriteRecords(socket_, kChannel, {}), 0);
  ASSERT_NO_FATAL_FAILURE(Follow(narrow, follower, attempts + 1));
  EXPECT_GT(narrow.overruns(), 0);
  EXPECT_GT(follower.lost_in_multicast, 0u);
  EXPECT_EQ(follower.lost_in_queue, 0u);
  EXPECT_EQ(follower.received + follower.lost_in_multicast, attempts + 1);
}

TEST_F(RecordsTest, LossAtTheTailIsTold) {
  Enable(records_);
  EXPECT_EQ(WriteRecords(socket_, kChannel, {.count = 3, .length = 5000}), EMSGSIZE);
  Message message;
  uint64_t covered = 0;
  while (covered < 3) {
    ASSERT_TRUE(records_.Receive(
        [](const Message& m) { return m.command == KCHAN_CMD_RECORDS_NTF; }, &message));
    EXPECT_EQ(message.attributes.Count(KCHAN_A_RECORD), 0u);
    covered = message.attributes.U64(KCHAN_A_SEQUENCE);
  }
  EXPECT_EQ(covered, 3u);
}

TEST_F(RecordsTest, SuccessorWithinLingerGetsWhatWasKept) {
  auto first = std::make_unique<GenlSocket>();
  const uint64_t generation = Enable(*first).U64(KCHAN_A_GENERATION);
  ASSERT_EQ(WriteRecords(socket_, kChannel, {.count = 2}), 0);
  Follower follower{.first = 1, .first_counter = 1};
  ASSERT_NO_FATAL_FAILURE(Follow(*first, follower, 2));
  first.reset();
  EXPECT_EQ(StateOf(socket_, kChannel), KCHAN_STATE_LIVE);
  ASSERT_EQ(WriteRecords(socket_, kChannel, {.count = 5}), 0);

  const Parsed enabled = Enable(records_);
  EXPECT_EQ(enabled.U64(KCHAN_A_GENERATION), generation);
  EXPECT_EQ(enabled.U64(KCHAN_A_SEQUENCE), 2u);
  ASSERT_NO_FATAL_FAILURE(Follow(records_, follower, 7));
  EXPECT_EQ(follower.received, 7u);
}

TEST_F(RecordsTest, NumbersGoOnWithoutListeners) {
  ASSERT_EQ(socket_.Do(KCHAN_CMD_ENABLE, Named(kChannel)).error, 0);
  ASSERT_EQ(WriteRecords(socket_, kChannel, {.count = 9}), 0);
  ASSERT_TRUE(Eventually([&] {
    const Answer answer = socket_.Do(KCHAN_CMD_ENABLE, Named(kChannel));
    return !answer.messages.empty() && answer.messages[0].attributes.U64(KCHAN_A_SEQUENCE) == 9;
  }));
  Enable(records_);
  ASSERT_EQ(WriteRecords(socket_, kChannel, {}), 0);
  Follower follower{.sequence = 9, .first = 10, .first_counter = 10};
  ASSERT_NO_FATAL_FAILURE(Follow(records_, follower, 10));
  EXPECT_EQ(follower.received, 1u);
}

TEST_F(RecordsTest, DemandEndsWithTheSocketOrByDisable) {
  ASSERT_EQ(socket_.Do(KCHAN_CMD_CHANNEL_SET, Named(kChannel).U32(KCHAN_A_LINGER_MS, 1)).error, 0);
  const auto idle = [&] { return StateOf(socket_, kChannel) == KCHAN_STATE_IDLE; };
  auto first = std::make_unique<GenlSocket>();
  auto second = std::make_unique<GenlSocket>();
  Enable(*first);
  Enable(*first);  // once more is no more
  Enable(*second);
  first.reset();
  EXPECT_EQ(StateOf(socket_, kChannel), KCHAN_STATE_LIVE);
  EXPECT_EQ(second->Do(KCHAN_CMD_DISABLE, Named(kChannel)).error, 0);
  EXPECT_TRUE(Eventually(idle));
  const Answer again = second->Do(KCHAN_CMD_DISABLE, Named(kChannel));
  EXPECT_EQ(again.error, ENOENT);
  EXPECT_EQ(again.text, "this socket has not enabled the channel");
}

TEST_F(RecordsTest, EnableIsForGenlChannels) {
  const Answer answer = socket_.Do(KCHAN_CMD_ENABLE, Named("test.shared"));
  EXPECT_EQ(answer.error, EOPNOTSUPP);
  EXPECT_EQ(answer.bad_attribute, KCHAN_A_CHANNEL_NAME);
}

// Announcements are for every namespace, records for the initial one alone.
TEST_F(RecordsTest, OtherNamespacesHearOfChannelsOnly) {
  std::thread([this] {
    ASSERT_EQ(unshare(CLONE_NEWNET), 0);
    GenlSocket elsewhere;
    const Answer answer = elsewhere.Do(KCHAN_CMD_ENABLE, Named(kChannel));
    EXPECT_EQ(answer.error, EOPNOTSUPP);
    EXPECT_EQ(answer.text, "records come in the initial network namespace only");

    ASSERT_EQ(elsewhere.Join(KCHAN_GENL_GROUP_CHANNELS), 0);
    ASSERT_EQ(elsewhere.Join(KCHAN_GENL_GROUP_RECORDS), 0);
    Enable(records_);
    ASSERT_EQ(WriteRecords(socket_, kChannel, {}), 0);
    Follower follower{.first = 1, .first_counter = 1};
    ASSERT_NO_FATAL_FAILURE(Follow(records_, follower, 1));
    const ScopedModule hello("kchan_hello");
    // The first that came here is not the record, which was sent before.
    Message message;
    ASSERT_TRUE(elsewhere.Receive(
        [](const Message& m) {
          EXPECT_NE(m.command, KCHAN_CMD_RECORDS_NTF);
          return m.command == KCHAN_CMD_CHANNEL_NEW_NTF;
        },
        &message));
    EXPECT_EQ(message.attributes.String(KCHAN_A_CHANNEL_NAME), "hello");
  }).join();
}

TEST_F(RecordsTest, EnablesErrorIsTheSources) {
  ASSERT_EQ(
      socket_
          .Do(KCHAN_CMD_CHANNEL_SET, Named(kChannel).Nest(KCHAN_A_PARAM, Param("refuse", ENODATA)))
          .error,
      0);
  EXPECT_EQ(socket_.Do(KCHAN_CMD_ENABLE, Named(kChannel)).error, ENODATA);
  EXPECT_EQ(StateOf(socket_, kChannel), KCHAN_STATE_IDLE);
}

}  // namespace
}  // namespace kchan::guest
