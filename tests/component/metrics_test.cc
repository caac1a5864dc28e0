// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <string>

#include "bridge/metrics/collect.h"
#include "bridge/metrics/exporter.h"
#include "gmock/gmock.h"
#include "tests/component/fake_source.h"
#include "tests/component/reader.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

// Counters and gauges by name and labels: "name{label=value,..}".
std::map<std::string, double> Figures(const std::vector<prometheus::MetricFamily>& families) {
  std::map<std::string, double> figures;
  for (const auto& family : families) {
    for (const auto& metric : family.metric) {
      std::string labels;
      for (const auto& label : metric.label) {
        labels += (labels.empty() ? "" : ",") + label.name + "=" + label.value;
      }
      const bool counts = family.type == prometheus::MetricType::Counter;
      figures[family.name + "{" + labels + "}"] =
          counts ? metric.counter.value : metric.gauge.value;
    }
  }
  return figures;
}

class MetricsTest : public ServerTest {
 protected:
  std::map<std::string, double> Now() { return Figures(metrics::Collect(hub(), server())); }
};

TEST_F(MetricsTest, ChannelHasEachStageBeforeAnythingIsLost) {
  Start();
  FakeSource source(hub(), "tick");
  const auto now = Now();
  for (const char* stage : {"kernel_ring", "kernel_transport", "source"}) {
    EXPECT_EQ(
        now.at("kchan_channel_lost_records_total{channel=tick,stage=" + std::string(stage) + "}"),
        0);
  }
  for (const char* stage :
       {"log_eviction", "subscriber_policy", "rate_limit", "daemon_restart", "spool"}) {
    EXPECT_EQ(now.at("kchan_channel_subscriber_lost_records_total{channel=tick,stage=" +
                     std::string(stage) + "}"),
              0);
  }
}

TEST_F(MetricsTest, FiguresAreWhatTheStatusSays) {
  Start();
  FakeSource source(hub(), "tick");
  source.Append(7);
  source.AppendLoss(5, hub::LossStage::kKernelRing);
  auto open = OpenOf("tick");
  open.mutable_selections(0)->mutable_start()->mutable_oldest();
  Reader reader(stub(), open);
  ASSERT_TRUE(reader.UntilSequence("tick", kEpoch, 12));

  const auto now = Now();
  const v1::ChannelCounters status = Status().channels(0);
  EXPECT_EQ(now.at("kchan_channel_live{channel=tick}"), 1);
  EXPECT_EQ(now.at("kchan_channel_records_total{channel=tick}"), 7);
  EXPECT_EQ(now.at("kchan_channel_lost_records_total{channel=tick,stage=kernel_ring}"), 5);
  EXPECT_EQ(now.at("kchan_channel_delivered_records_total{channel=tick}"), 12);
  EXPECT_EQ(now.at("kchan_channel_delivered_bytes_total{channel=tick}"),
            static_cast<double>(status.delivered_bytes()));
  EXPECT_EQ(now.at("kchan_channel_subscriptions{channel=tick}"), 1);
  EXPECT_EQ(now.at("kchan_streams{kind=subscriptions}"), 1);
  EXPECT_EQ(now.at("kchan_subscriptions_total{}"), 1);
  EXPECT_EQ(now.at("kchan_resumed_subscriptions_total{}"), 0);
  EXPECT_EQ(now.at("kchan_log_bytes{}"), static_cast<double>(Status().log_bytes()));
}

TEST_F(MetricsTest, FillOfRingsIsThereOnlyForChannelsThatHaveSome) {
  Start();
  FakeSource with(hub(), "tick");
  FakeSource without(hub(), "other");
  with.log().ring_fill().Observe(0.3);
  for (const auto& family : metrics::Collect(hub(), server())) {
    if (family.name != "kchan_channel_ring_fill_ratio") continue;
    ASSERT_EQ(family.metric.size(), 1u);
    EXPECT_EQ(family.metric[0].label[0].value, "tick");
    EXPECT_EQ(family.metric[0].histogram.sample_count, 1u);
    return;
  }
  FAIL() << "no such family";
}

TEST_F(MetricsTest, LagIsThatOfTheSubscriptionFurthestBehind) {
  Start();
  FakeSource source(hub(), "tick");
  auto open = OpenOf("tick");
  open.mutable_selections(0)->mutable_start()->mutable_oldest();
  Reader quick(stub(), open);
  open.set_window_bytes(1);  // one batch
  open.set_max_batch_bytes(4 << 10);
  Reader slow(stub(), open);
  constexpr uint64_t kRecords = 1000;
  source.Append(kRecords, 100);
  ASSERT_TRUE(quick.UntilSequence("tick", kEpoch, kRecords));
  ASSERT_TRUE(slow.UntilSequence("tick", kEpoch, 1));
  const uint64_t last = slow.ledger("tick").last;
  ASSERT_LT(last, kRecords);
  const char* const lag = "kchan_channel_largest_lag_records{channel=tick}";
  EXPECT_EQ(Now().at(lag), static_cast<double>(kRecords - last));
  slow.Cancel();
  EXPECT_TRUE(Eventually([&] { return Now().at(lag) == 0; }));
}

TEST_F(MetricsTest, SubscriptionWithACursorIsAResumedOne) {
  Start();
  FakeSource source(hub(), "tick");
  source.Append(3);
  auto open = OpenOf("tick");
  v1::Cursor& cursor = *open.mutable_selections(0)->mutable_start()->mutable_cursor();
  cursor.set_epoch(kEpoch);
  cursor.set_sequence(1);
  Reader reader(stub(), open);
  ASSERT_TRUE(reader.UntilSequence("tick", kEpoch, 3));
  EXPECT_EQ(Now().at("kchan_resumed_subscriptions_total{}"), 1);
}

TEST_F(MetricsTest, AddressThatIsTakenIsNamed) {
  Start();
  const auto first = metrics::Exporter::Start("127.0.0.1:0", hub(), server());
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = metrics::Exporter::Start((*first)->address(), hub(), server());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), ::testing::HasSubstr((*first)->address()));
}

}  // namespace
}  // namespace kchan::testing
