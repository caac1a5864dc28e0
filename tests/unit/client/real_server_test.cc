// SPDX-License-Identifier: Apache-2.0
// The client library against the daemon's own hub and gRPC edge.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include "bridge/hub/hub.h"
#include "bridge/rpc/server.h"
#include "kchan/format.h"
#include "kchan/loss.h"
#include "kchan/schema_cache.h"
#include "kchan/subscription.h"

namespace kchan {
namespace {

constexpr uint64_t kEpoch = 4711;

// A daemon's inside: a hub with one channel and its server, which can be
// restarted apart from each other.
class Daemon {
 public:
  explicit Daemon(const std::string& socket)
      : socket_(socket), hub_({}, [](std::string_view) {
          return hub::LogLimits{.max_bytes = 256 << 10, .segment_bytes = 16 << 10};
        }) {}

  // Numbers below next_sequence were in a daemon that is gone.
  void AddChannel(uint64_t next_sequence = 1) {
    hub::ChannelDescription description;
    description.name = "tick";
    description.transport = "ring";
    channel_ = hub_.Upsert(std::make_shared<const hub::ChannelDescription>(description));
    hub::Schema schema{.byte_order = hub::ByteOrder::kLittle};
    schema.id = hub::SchemaId(schema);
    channel_->SetSchema(std::make_shared<const hub::Schema>(schema));
    channel_->log().StartEpoch(kEpoch, schema.id, next_sequence);
    channel_->SetState(hub::ChannelState::kLive, "");
  }

  void Serve() {
    server_.reset();
    rpc::ServerOptions options;
    options.listeners = {
        {.where = rpc::UnixListener{.path = socket_, .group = {}}, .right = rpc::Right::kRead}};
    options.node.name = "node1";
    options.drain_timeout = std::chrono::milliseconds(200);
    auto server = rpc::Server::Start(hub_, options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  // Appends a record that says its own number; returns it.
  uint64_t Append() {
    const uint64_t sequence = log().next_sequence();
    std::byte payload[128] = {};
    std::memcpy(payload, &sequence, sizeof(sequence));
    return log().Append({.boottime_ns = sequence, .cpu = 0, .type = 1}, payload);
  }

  // The kernel side comes anew, with records of one u32 called `field`.
  void StartEpoch(uint64_t epoch, const std::string& field) {
    hub::Schema schema{.byte_order = hub::ByteOrder::kLittle};
    hub::RecordType& type = schema.types.emplace_back();
    type.id = 1;
    type.name = "tick";
    type.size_bytes = 4;
    hub::Field& number = type.fields.emplace_back();
    number.name = field;
    number.kind = v1::FIELD_KIND_U32;
    number.size_bytes = 4;
    schema.id = hub::SchemaId(schema);
    channel_->SetSchema(std::make_shared<const hub::Schema>(schema));
    channel_->log().StartEpoch(epoch, schema.id, 1);
  }

  hub::Log& log() { return channel_->log(); }

 private:
  const std::string socket_;
  hub::Hub hub_;
  std::shared_ptr<hub::Channel> channel_;
  std::unique_ptr<rpc::Server> server_;
};

class RealServerTest : public testing::Test {
 protected:
  RealServerTest() {
    std::string path = testing::TempDir() + "kchan-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) std::abort();
    directory_ = path;
    socket_ = directory_ + "/read.sock";
    daemon_.emplace(socket_);
    client_ = *Client::Connect({.target = "unix:" + socket_});
    options_.backoff = {.initial = absl::Milliseconds(2), .max = absl::Milliseconds(50)};
  }
  ~RealServerTest() override {
    subscription_.reset();
    daemon_.reset();
    unlink(socket_.c_str());
    rmdir(directory_.c_str());
  }

  void Subscribe(std::string_view channel) {
    *options_.open.add_selections() = Select(channel, FromOldest());
    subscription_.emplace(*client_, options_);
  }

  // Reads through `last`, counting.
  void ReadThrough(uint64_t last) {
    while (at_ < last) {
      const auto delivery = subscription_->Next(absl::Now() + absl::Seconds(30));
      ASSERT_TRUE(delivery.ok()) << delivery.status() << " at " << at_;
      const auto* found = std::get_if<const BatchView*>(&*delivery);
      if (found == nullptr) continue;
      const BatchView& batch = **found;
      ASSERT_EQ(batch.first_sequence(), at_ + 1);
      for (const RecordView& record : batch.records()) {
        uint64_t number;
        ASSERT_EQ(record.payload.size(), 128u);
        std::memcpy(&number, record.payload.data(), sizeof(number));
        ASSERT_EQ(number, record.sequence);
      }
      records_ += batch.records().size();
      losses_.Add(batch);
      at_ = batch.last_sequence();
    }
  }

  std::string directory_;
  std::string socket_;
  std::optional<Daemon> daemon_;
  std::shared_ptr<Client> client_;
  SubscriptionOptions options_;
  std::optional<Subscription> subscription_;
  uint64_t at_ = 0;
  uint64_t records_ = 0;
  LossCounter losses_;
};

// A writer that outruns a small log, losses in between, and a server that cuts
// every stream again and again.
TEST_F(RealServerTest, EveryNumberIsReceivedOrLostExactlyOnce) {
  static constexpr int kRounds = 400;
  static constexpr int kRoundsPerCut = 25;
  for (const uint64_t window_bytes : {uint64_t{0}, uint64_t{64 << 10}}) {
    SCOPED_TRACE(window_bytes);
    subscription_.reset();
    daemon_.reset();
    daemon_.emplace(socket_);
    daemon_->AddChannel();
    daemon_->Serve();
    options_.open.Clear();
    options_.open.set_window_bytes(window_bytes);
    options_.open.set_max_batch_bytes(16 << 10);
    at_ = records_ = 0;
    losses_ = LossCounter();
    Subscribe("tick");

    ASSERT_TRUE(subscription_->Next().ok());  // hello: it starts at the beginning

    uint64_t lost_in_ring = 0;
    uint64_t last = 0;
    std::atomic<bool> written = false;
    std::atomic<int> cuts = 0;
    std::thread writer([&] {
      std::minstd_rand random(5);
      for (int round = 0; round < kRounds; ++round) {
        // The writer outruns its reader, but not the whole play.
        while (cuts < round / kRoundsPerCut) std::this_thread::yield();
        for (auto records = random() % 100; records > 0; --records) last = daemon_->Append();
        if (random() % 8 == 0) {
          const uint64_t count = 1 + random() % 9;
          daemon_->log().AppendLoss({.count = count, .stage = hub::LossStage::kKernelRing});
          lost_in_ring += count;
          last += count;
        }
        daemon_->log().Publish();
      }
      written = true;
    });
    std::thread cutter([&] {
      for (; !written; ++cuts) daemon_->Serve();
    });
    ReadThrough(500);
    writer.join();
    cutter.join();
    ReadThrough(last);
    EXPECT_EQ(at_, last);
    EXPECT_EQ(records_ + losses_.total(), last);
    EXPECT_EQ(losses_.unknown(), 0u);
    // What eviction took was counted as the reader's own loss, whatever it was.
    EXPECT_LE(losses_.at(v1::LOSS_STAGE_KERNEL_RING), lost_in_ring);
    EXPECT_EQ(losses_.total(),
              losses_.at(v1::LOSS_STAGE_KERNEL_RING) + losses_.at(v1::LOSS_STAGE_LOG_EVICTION));
  }
}

TEST_F(RealServerTest, OldRecordsAreDecodedByTheirOwnSchema) {
  daemon_->AddChannel();
  for (const auto& [epoch, field] : {std::pair{1, "before"}, std::pair{2, "after"}}) {
    daemon_->StartEpoch(epoch, field);
    daemon_->Append();
    daemon_->log().Publish();
  }
  daemon_->Serve();
  Subscribe("tick");
  SchemaCache schemas(client_);
  std::string text;
  for (int records = 0; records < 2;) {
    const auto delivery = subscription_->Next(absl::Now() + absl::Seconds(30));
    ASSERT_TRUE(delivery.ok()) << delivery.status();
    const auto* batch = std::get_if<const BatchView*>(&*delivery);
    if (batch == nullptr) continue;
    const auto schema = schemas.Get((*batch)->channel(), (*batch)->schema_id());
    ASSERT_TRUE(schema.ok()) << schema.status();
    for (const RecordView& record : (*batch)->records()) {
      AppendFieldsText(*(*schema)->FindType(record.type), record.payload, &text);
      text += ' ';
      ++records;
    }
  }
  EXPECT_EQ(text, "before=1 after=1 ");
}

TEST_F(RealServerTest, WhatDiedWithTheDaemonIsOneLoss) {
  daemon_->AddChannel();
  daemon_->Serve();
  Subscribe("tick");
  for (int i = 0; i < 10; ++i) daemon_->Append();
  daemon_->log().Publish();
  ReadThrough(10);

  daemon_.emplace(socket_);
  daemon_->AddChannel(15);  // it had come to 14
  daemon_->Append();
  daemon_->log().Publish();
  daemon_->Serve();
  ReadThrough(15);
  EXPECT_EQ(records_, 11u);
  EXPECT_EQ(losses_.total(), 4u);
  EXPECT_EQ(losses_.at(v1::LOSS_STAGE_DAEMON_RESTART), 4u);
}

TEST_F(RealServerTest, AChannelThatTheNewDaemonFindsLateIsResumedToo) {
  daemon_->AddChannel();
  daemon_->Serve();
  Subscribe("t*");
  for (int i = 0; i < 10; ++i) daemon_->Append();
  daemon_->log().Publish();
  ReadThrough(10);

  daemon_.emplace(socket_);
  daemon_->Serve();
  for (;;) {  // until the new daemon has taken the subscription, without the channel
    const auto delivery = subscription_->Next(absl::Now() + absl::Seconds(30));
    ASSERT_TRUE(delivery.ok()) << delivery.status();
    if (std::holds_alternative<v1::SubscribeResponse::Hello>(*delivery)) break;
  }
  daemon_->AddChannel(13);
  daemon_->Append();
  daemon_->log().Publish();
  ReadThrough(13);
  EXPECT_EQ(records_, 11u);
  EXPECT_EQ(losses_.at(v1::LOSS_STAGE_DAEMON_RESTART), 2u);
}

TEST_F(RealServerTest, AChannelByNameIsWaitedForWhenResuming) {
  daemon_->AddChannel();
  daemon_->Serve();
  Subscribe("tick");
  daemon_->Append();
  daemon_->log().Publish();
  ReadThrough(1);

  daemon_.emplace(socket_);
  daemon_->Serve();
  for (;;) {  // the new daemon does not know it
    const auto delivery = subscription_->Next(absl::Now() + absl::Seconds(30));
    ASSERT_TRUE(delivery.ok()) << delivery.status();
    const auto* disconnected = std::get_if<Disconnected>(&*delivery);
    if (disconnected != nullptr && absl::IsNotFound(disconnected->status)) break;
  }
  daemon_->AddChannel(2);
  daemon_->Append();
  daemon_->log().Publish();
  ReadThrough(2);
  EXPECT_EQ(records_, 2u);
  EXPECT_EQ(losses_.total(), 0u);
}

}  // namespace
}  // namespace kchan
