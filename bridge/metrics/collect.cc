// SPDX-License-Identifier: Apache-2.0
#include "bridge/metrics/collect.h"

#include <string>
#include <utility>

#include "absl/time/time.h"
#include "bridge/metrics/channel_metrics.h"
#include "bridge/metrics/metric_family.h"
#include "bridge/metrics/process_metrics.h"

namespace kchan::metrics {
namespace {

void AddHistogram(Families& to, const char* name, const char* help,
                  const hub::Histogram& histogram) {
  MetricFamily family = MetricFamily::Histogram(name, help);
  family.Add(histogram.Read());
  to.push_back(std::move(family).Take());
}

void CollectNode(const hub::Hub& hub, const rpc::NodeIdentity& node, Families& to) {
  const hub::KernelSideStatus kernel_side = hub.kernel_side();
  AddGauge(to, "kchan_build_info", "1; the labels say what runs here.", 1,
           {{"version", node.daemon_version},
            {"abi", node.daemon_abi},
            {"kernel", node.kernel_release},
            {"module_version", kernel_side.module_version},
            {"module_abi", kernel_side.module_abi}});
  AddGauge(to, "kchan_kernel_side_ready", "Whether the module can be used (1) or not (0).",
           kernel_side.state == hub::KernelSideState::kReady ? 1 : 0);
  AddGauge(to, "kchan_problems", "What `kchan status` shows as problems.",
           static_cast<double>(hub.problems().size()));
}

void CollectMemory(const hub::Hub& hub, Families& to) {
  const hub::MemoryUse& use = hub.memory();
  AddGauge(to, "kchan_log_bytes", "Memory of all channels' logs.",
           static_cast<double>(use.log_bytes.load()));
  AddGauge(to, "kchan_log_max_bytes", "Their bound, memory.max_log_bytes.",
           static_cast<double>(hub.limits().max_log_bytes));
  AddGauge(to, "kchan_pinned_bytes", "Memory that logs have dropped but slow readers hold.",
           static_cast<double>(use.pinned_bytes.load()));
  AddGauge(to, "kchan_pinned_max_bytes", "Its bound, memory.max_pinned_bytes.",
           static_cast<double>(hub.limits().max_pinned_bytes));
}

void CollectServer(const rpc::Server& server, Families& to) {
  MetricFamily streams =
      MetricFamily::Gauge("kchan_streams", "Calls that are open now, by what they are.");
  MetricFamily max_streams = MetricFamily::Gauge("kchan_max_streams", "Their bounds.");
  for (const rpc::StreamCount& count : server.streams()) {
    streams.Add(static_cast<double>(count.open), {{"kind", count.kind}});
    max_streams.Add(static_cast<double>(count.max), {{"kind", count.kind}});
  }
  to.push_back(std::move(streams).Take());
  to.push_back(std::move(max_streams).Take());

  const rpc::ServerStats& stats = server.stats();
  AddCounter(to, "kchan_subscriptions_total", "Subscriptions that were opened.",
             static_cast<double>(stats.subscriptions));
  AddCounter(to, "kchan_resumed_subscriptions_total",
             "Of these, those that went on where an earlier one had ended.",
             static_cast<double>(stats.resumed_subscriptions));
  AddHistogram(to, "kchan_batch_bytes", "Size of each batch sent.", stats.batch_bytes);
  AddHistogram(to, "kchan_batch_age_seconds",
               "Age of the first record of each batch when it was sent; of history, too.",
               stats.batch_age_seconds);
}

void CollectConnections(const rpc::Server& server, Families& to) {
  MetricFamily open = MetricFamily::Gauge("kchan_connections", "Connections that are open now.");
  MetricFamily max = MetricFamily::Gauge("kchan_max_connections", "Their bound.");
  MetricFamily accepted =
      MetricFamily::Counter("kchan_connections_total", "Connections that were accepted.");
  MetricFamily refused = MetricFamily::Counter("kchan_connections_refused_total",
                                               "Connections closed at once, beyond the bound.");
  MetricFamily failures = MetricFamily::Counter(
      "kchan_accept_failures_total",
      "Failures of accepting: descriptors or memory were short, or the client was gone.");
  for (const rpc::ConnectionCount& count : server.connections()) {
    open.Add(static_cast<double>(count.open), {{"address", count.address}});
    max.Add(static_cast<double>(count.max), {{"address", count.address}});
    accepted.Add(static_cast<double>(count.accepted), {{"address", count.address}});
    refused.Add(static_cast<double>(count.refused), {{"address", count.address}});
    failures.Add(static_cast<double>(count.failures), {{"address", count.address}});
  }
  for (MetricFamily* family : {&open, &max, &accepted, &refused, &failures}) {
    to.push_back(std::move(*family).Take());
  }
}

void CollectCertificates(const rpc::Server& server, Families& to) {
  MetricFamily expiry =
      MetricFamily::Gauge("kchan_certificate_expiry_timestamp_seconds",
                          "When a TLS listener's certificate or client CA expires, Unix time.");
  for (const rpc::Server::TlsState& tls : server.certificates()) {
    const auto add = [&](const char* what, absl::Time expires) {
      expiry.Add(absl::ToDoubleSeconds(expires - absl::UnixEpoch()),
                 {{"address", tls.address}, {"certificate", what}});
    };
    add("server", tls.certificates.expires);
    if (!tls.files.client_ca_file.empty()) add("client_ca", tls.certificates.client_ca_expires);
  }
  to.push_back(std::move(expiry).Take());
}

}  // namespace

std::vector<prometheus::MetricFamily> Collect(const hub::Hub& hub, const rpc::Server& server) {
  Families families;
  CollectNode(hub, server.node(), families);
  CollectProcess(families);
  CollectMemory(hub, families);
  CollectServer(server, families);
  CollectConnections(server, families);
  CollectCertificates(server, families);
  CollectChannels(hub, families);
  return families;
}

}  // namespace kchan::metrics
