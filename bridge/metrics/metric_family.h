// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_METRICS_METRIC_FAMILY_H_
#define KCHAN_BRIDGE_METRICS_METRIC_FAMILY_H_

#include <string>
#include <utility>
#include <vector>

#include "bridge/hub/histogram.h"
#include "prometheus/client_metric.h"
#include "prometheus/metric_family.h"

namespace kchan::metrics {

using Labels = std::vector<prometheus::ClientMetric::Label>;

// One family while it is filled in.
class MetricFamily {
 public:
  static MetricFamily Counter(std::string name, std::string help);
  static MetricFamily Gauge(std::string name, std::string help);
  static MetricFamily Histogram(std::string name, std::string help);

  // A family of counters or gauges; the value of these labels.
  void Add(double value, Labels labels = {});
  // A family of histograms.
  void Add(const hub::Histogram::Reading& reading, Labels labels = {});

  prometheus::MetricFamily Take() && { return std::move(family_); }

 private:
  MetricFamily(std::string name, std::string help, prometheus::MetricType type);

  prometheus::MetricFamily family_;
};

using Families = std::vector<prometheus::MetricFamily>;

// A family of one value.
void AddGauge(Families& to, const char* name, const char* help, double value, Labels labels = {});
void AddCounter(Families& to, const char* name, const char* help, double value);

}  // namespace kchan::metrics

#endif  // KCHAN_BRIDGE_METRICS_METRIC_FAMILY_H_
