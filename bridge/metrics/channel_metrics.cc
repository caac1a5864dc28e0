// SPDX-License-Identifier: Apache-2.0
#include "bridge/metrics/channel_metrics.h"

#include <memory>
#include <string>
#include <utility>

#include "bridge/metrics/metric_family.h"

namespace kchan::metrics {
namespace {

using hub::LossStage;

struct Stage {
  LossStage stage;
  const char* name;
};

constexpr Stage kBeforeTheLog[] = {{LossStage::kKernelRing, "kernel_ring"},
                                   {LossStage::kKernelTransport, "kernel_transport"},
                                   {LossStage::kSource, "source"}};
constexpr Stage kBehindTheLog[] = {{LossStage::kLogEviction, "log_eviction"},
                                   {LossStage::kSubscriberPolicy, "subscriber_policy"},
                                   {LossStage::kRateLimit, "rate_limit"},
                                   {LossStage::kDaemonRestart, "daemon_restart"},
                                   {LossStage::kSpool, "spool"}};

class Channels {
 public:
  void Add(const hub::Channel& channel) {
    const std::string& name = channel.name();
    const hub::ChannelSnapshot now = channel.snapshot();
    live_.Add(now.state == hub::ChannelState::kLive ? 1 : 0, {{"channel", name}});
    if (!now.description->has_records()) return;
    AddLog(channel.log(), name);
    AddDeliveries(channel.deliveries().Read(), name);
    subscriptions_.Add(static_cast<double>(channel.readers()), {{"channel", name}});
    lag_.Add(static_cast<double>(channel.largest_lag()), {{"channel", name}});
  }

  void Take(std::vector<prometheus::MetricFamily>& to) {
    for (MetricFamily* family :
         {&live_, &records_, &record_bytes_, &lost_, &ring_fill_, &log_bytes_, &evicted_,
          &spool_bytes_, &lag_, &subscriptions_, &delivered_, &delivered_bytes_,
          &acknowledged_bytes_, &withheld_, &subscriber_lost_}) {
      to.push_back(std::move(*family).Take());
    }
  }

 private:
  void AddLog(const hub::Log& log, const std::string& name) {
    const Labels labels = {{"channel", name}};
    const hub::LogExtent extent = log.extent();
    records_.Add(static_cast<double>(extent.records), labels);
    record_bytes_.Add(static_cast<double>(extent.record_bytes), labels);
    log_bytes_.Add(static_cast<double>(extent.bytes), labels);
    evicted_.Add(static_cast<double>(extent.evicted_records), labels);
    if (const auto fill = log.ring_fill().Read(); fill.count() != 0) ring_fill_.Add(fill, labels);
    for (const Stage& at : kBeforeTheLog) {
      lost_.Add(static_cast<double>(extent.lost[static_cast<size_t>(at.stage)]),
                {{"channel", name}, {"stage", at.name}});
    }
    if (const auto& history = log.history()) {
      spool_bytes_.Add(static_cast<double>(history->extent().bytes), labels);
    }
  }

  void AddDeliveries(const hub::Deliveries& deliveries, const std::string& name) {
    const Labels labels = {{"channel", name}};
    delivered_.Add(static_cast<double>(deliveries.numbers), labels);
    delivered_bytes_.Add(static_cast<double>(deliveries.bytes), labels);
    acknowledged_bytes_.Add(static_cast<double>(deliveries.acknowledged_bytes), labels);
    withheld_.Add(static_cast<double>(deliveries.filtered), {{"channel", name}, {"by", "filter"}});
    withheld_.Add(static_cast<double>(deliveries.sampled), {{"channel", name}, {"by", "sampling"}});
    for (const Stage& at : kBehindTheLog) {
      subscriber_lost_.Add(static_cast<double>(deliveries.lost[static_cast<size_t>(at.stage)]),
                           {{"channel", name}, {"stage", at.name}});
    }
  }

  MetricFamily live_ = MetricFamily::Gauge("kchan_channel_live",
                                           "Whether the channel's source is on (1) or not (0).");
  MetricFamily records_ = MetricFamily::Counter("kchan_channel_records_total",
                                                "Records that came into the channel's log.");
  MetricFamily record_bytes_ = MetricFamily::Counter("kchan_channel_record_bytes_total",
                                                     "Bytes of the records that came, as stored.");
  MetricFamily lost_ = MetricFamily::Counter(
      "kchan_channel_lost_records_total",
      "Records lost before the log, for everybody, by the stage that lost them.");
  MetricFamily ring_fill_ = MetricFamily::Histogram(
      "kchan_channel_ring_fill_ratio",
      "How full each of the channel's rings was, of 1, each time kchand looked into it.");
  MetricFamily log_bytes_ =
      MetricFamily::Gauge("kchan_channel_log_bytes", "Memory of the channel's log.");
  MetricFamily evicted_ =
      MetricFamily::Counter("kchan_channel_evicted_records_total",
                            "Records that the log dropped to stay within its bound.");
  MetricFamily spool_bytes_ =
      MetricFamily::Gauge("kchan_channel_spool_bytes", "The channel's history on disk.");
  MetricFamily subscriptions_ = MetricFamily::Gauge("kchan_channel_subscriptions",
                                                    "Subscriptions that read the channel now.");
  MetricFamily lag_ = MetricFamily::Gauge(
      "kchan_channel_largest_lag_records",
      "Records and losses that the subscription furthest behind has not come to yet.");
  MetricFamily delivered_ =
      MetricFamily::Counter("kchan_channel_delivered_records_total",
                            "Records given to subscriptions, summed over them, and losses that "
                            "all are told of in their place.");
  MetricFamily delivered_bytes_ = MetricFamily::Counter(
      "kchan_channel_delivered_bytes_total", "Bytes given to subscriptions, summed over them.");
  MetricFamily acknowledged_bytes_ =
      MetricFamily::Counter("kchan_channel_acknowledged_bytes_total",
                            "Bytes of these that subscriptions said they were done with.");
  MetricFamily withheld_ = MetricFamily::Counter(
      "kchan_channel_withheld_records_total",
      "Records that subscriptions did not want, summed over them, by what left them out.");
  MetricFamily subscriber_lost_ = MetricFamily::Counter(
      "kchan_channel_subscriber_lost_records_total",
      "Records that subscriptions lost each for itself, summed over them, by stage.");
};

}  // namespace

void CollectChannels(const hub::Hub& hub, std::vector<prometheus::MetricFamily>& to) {
  Channels channels;
  for (const std::shared_ptr<hub::Channel>& channel : hub.List()) channels.Add(*channel);
  channels.Take(to);
}

}  // namespace kchan::metrics
