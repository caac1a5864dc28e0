// SPDX-License-Identifier: Apache-2.0
// A daemon with history on disk that ends and comes back, and a client that
// stays.
#include "bridge/spool/spool.h"

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tests/component/fake_source.h"
#include "tests/component/reader.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

constexpr char kChannel[] = "exec";
constexpr size_t kPayloadBytes = 500;

// What the records of a range sum up to.
uint64_t ChecksumOf(uint64_t sequence, std::string_view payload) {
  uint64_t sum = sequence * 0x9e3779b97f4a7c15;
  for (const char c : payload) sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return sum;
}

std::string PayloadOf(uint64_t sequence) {
  return std::string(kPayloadBytes, static_cast<char>('a' + sequence % 26));
}

class SpoolTest : public ServerTest {
 protected:
  SpoolTest() {
    log_limits_ = {.max_bytes = 1 << 20, .segment_bytes = 64 << 10};
    on_hub_ = [this](hub::Hub& hub) {
      spool::SpoolOptions options;
      options.directory = spool_directory();
      options.boot_id = boot_id_;
      options.limits_for = [this](std::string_view) { return spool_limits_; };
      options.on_problems = [&hub](std::vector<hub::Problem> problems) {
        hub.SetOwnProblems("spool", std::move(problems));
      };
      options.pace.gather = std::chrono::milliseconds(1);
      spool_ = spool::Spool::Start(std::move(options), hub.memory_use());
      hub.SetHistoryKeeper(spool_.get());
    };
  }
  ~SpoolTest() override { EndDaemon(); }

  std::string spool_directory() const { return directory() + "/spool"; }

  // The daemon begins; the kernel goes on with `next_sequence`.
  void Begin(uint64_t next_sequence, uint64_t epoch = kEpoch) {
    Start();
    channel_ = hub().Upsert(FakeSource::Describe(kChannel));
    channel_->SetSchema(FakeSchema());
    channel_->SetState(hub::ChannelState::kLive, "");
    channel_->log().StartEpoch(epoch, FakeSchema()->id, next_sequence);
  }
  void EndDaemon() {
    if (spool_ == nullptr) return;
    channel_.reset();
    StopServing();
    spool_->Stop();
    Stop();
    spool_.reset();
  }
  void Append(uint64_t records) {
    for (uint64_t i = 0; i < records; ++i) {
      const uint64_t sequence = channel_->log().next_sequence();
      const std::string payload = PayloadOf(sequence);
      expected_ += ChecksumOf(sequence, payload);
      channel_->log().Append({.boottime_ns = sequence, .cpu = 1, .type = 1},
                             std::as_bytes(std::span(payload)));
    }
    channel_->log().Publish();
  }
  bool IsSpooled() {
    const uint64_t last = channel_->log().extent().last_sequence;
    return Eventually([&] {
      const hub::HistoryExtent extent = channel_->log().history()->extent();
      return extent.records >= last;
    });
  }

  // Reads on to `sequence`, and adds up what comes.
  void ReadTo(Reader& reader, uint64_t sequence, uint64_t epoch = kEpoch) {
    ASSERT_TRUE(reader.Until([&](const v1::SubscribeResponse& response) {
      for (const v1::Record& record : response.batch().records()) {
        received_ += ChecksumOf(record.sequence(), record.payload());
      }
      return response.batch().epoch() == epoch && response.batch().last_sequence() >= sequence;
    }));
  }

  v1::SubscribeRequest::Open OpenAt(uint64_t sequence) {
    v1::SubscribeRequest::Open open = OpenOf(kChannel);
    v1::Cursor* cursor = open.mutable_selections(0)->mutable_start()->mutable_cursor();
    cursor->set_epoch(kEpoch);
    cursor->set_sequence(sequence);
    return open;
  }
  v1::Channel Describe() {
    grpc::ClientContext context;
    v1::GetChannelRequest request;
    request.set_name(kChannel);
    v1::GetChannelResponse response;
    EXPECT_TRUE(stub().GetChannel(&context, request, &response).ok());
    return response.channel();
  }

  std::string boot_id_ = "boot-1";
  spool::SpoolLimits spool_limits_{.fsync = spool::Fsync::kNever};
  std::unique_ptr<spool::Spool> spool_;
  std::shared_ptr<hub::Channel> channel_;
  uint64_t expected_ = 0;
  uint64_t received_ = 0;
};

TEST_F(SpoolTest, ClientResumesByCursorAcrossRestartsAndMissesNothingThatIsNotCounted) {
  Begin(1);
  for (int i = 0; i < 10; ++i) {
    Append(1000);  // far more than the log holds
    ASSERT_TRUE(IsSpooled());
  }
  {
    Reader reader(stub(), OpenFromOldest(kChannel));
    ReadTo(reader, 10'000);
    EXPECT_EQ(reader.ledger(kChannel, kEpoch).records, 10'000u);
    reader.Cancel();
    (void)reader.Finish();
  }
  EXPECT_EQ(received_, expected_);
  Append(500);
  EndDaemon();

  Begin(10'508);  // seven were in the dead one's memory alone
  Append(100);
  {
    Reader reader(stub(), OpenAt(10'000));
    ReadTo(reader, 10'607);
    const Ledger& ledger = reader.ledger(kChannel, kEpoch);
    EXPECT_EQ(ledger.first, 10'001u);
    EXPECT_EQ(ledger.records, 600u);
    EXPECT_EQ(ledger.lost, 7u);
    EXPECT_EQ(ledger.lost_at.at(v1::LOSS_STAGE_DAEMON_RESTART), 7u);
    reader.Cancel();
    (void)reader.Finish();
    const v1::ChannelCounters counters = Status().channels(0);
    EXPECT_EQ(counters.delivered() + counters.lost_log_eviction() + counters.lost_daemon_restart() +
                  counters.lost_spool(),
              607u);
  }
  EXPECT_EQ(received_, expected_);
}

TEST_F(SpoolTest, StalledReaderOfHistoryHoldsUpNobody) {
  Begin(1);
  for (int i = 0; i < 10; ++i) {
    Append(1000);
    ASSERT_TRUE(IsSpooled());
  }
  v1::SubscribeRequest::Open stalled_open = OpenFromOldest(kChannel);
  stalled_open.set_window_bytes(4096);
  stalled_open.set_max_batch_bytes(4096);
  Reader stalled(stub(), stalled_open);
  ASSERT_TRUE(stalled.Until([](const auto& response) { return response.has_batch(); }));
  Reader reader(stub(), OpenFromOldest(kChannel));
  ReadTo(reader, 10'000);
  EXPECT_EQ(reader.ledger(kChannel, kEpoch).lost, 0u);
  EXPECT_EQ(received_, expected_);
}

TEST_F(SpoolTest, LastRecordsAreFoundOnDisk) {
  Begin(1);
  for (int i = 0; i < 10; ++i) {
    Append(1000);
    ASSERT_TRUE(IsSpooled());
  }
  v1::SubscribeRequest::Open open = OpenOf(kChannel);
  open.mutable_selections(0)->mutable_start()->set_last_records(9000);
  Reader reader(stub(), open);
  ASSERT_TRUE(reader.UntilSequence(kChannel, kEpoch, 10'000));
  EXPECT_EQ(reader.ledger(kChannel, kEpoch).first, 1001u);
  EXPECT_EQ(reader.ledger(kChannel, kEpoch).records, 9000u);
}

TEST_F(SpoolTest, BatchesOfAnEarlierBootBringItsClock) {
  Begin(1);
  Append(100);
  ASSERT_TRUE(IsSpooled());
  EndDaemon();
  boot_id_ = "boot-2";
  Begin(1, kEpoch + 1);
  Append(100);
  Reader reader(stub(), OpenFromOldest(kChannel));
  bool is_earlier_seen = false;
  bool is_now_seen = false;
  ASSERT_TRUE(reader.Until([&](const v1::SubscribeResponse& response) {
    const v1::Batch& batch = response.batch();
    if (batch.records_size() != 0) {
      EXPECT_EQ(batch.has_clock_offset_ns(), batch.epoch() == kEpoch);
      (batch.epoch() == kEpoch ? is_earlier_seen : is_now_seen) = true;
    }
    return is_earlier_seen && is_now_seen;
  }));
}

TEST_F(SpoolTest, ChannelShowsItsSpoolAndStatusItsProblem) {
  Begin(1);
  EXPECT_EQ(Describe().spool().state(), v1::SPOOL_STATE_FOLLOWING);
  Append(10);
  ASSERT_TRUE(IsSpooled());
  const v1::Spool spool = Describe().spool();
  EXPECT_EQ(spool.records(), 10u);
  EXPECT_EQ(spool.oldest_sequence(), 1u);
  EXPECT_EQ(spool.oldest_epoch(), kEpoch);
  EXPECT_GT(spool.bytes(), 10 * kPayloadBytes);
  EXPECT_EQ(spool.max_bytes(), spool_limits_.max_bytes);
  EXPECT_EQ(Status().spool_bytes(), spool.bytes());
  EndDaemon();

  std::filesystem::remove_all(spool_directory());
  std::filesystem::create_symlink("/dev/null", spool_directory());
  Begin(11);
  Append(1);
  ASSERT_TRUE(Eventually([&] { return Status().problems_size() == 1; }));
  EXPECT_EQ(Status().problems(0).subject(), "spool of channel exec");
  EXPECT_FALSE(Status().problems(0).remedy().empty());
  EXPECT_EQ(Describe().spool().state(), v1::SPOOL_STATE_DEGRADED);
  EXPECT_FALSE(Describe().spool().reason().empty());
}

}  // namespace
}  // namespace kchan::testing
