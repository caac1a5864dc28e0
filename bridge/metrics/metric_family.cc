// SPDX-License-Identifier: Apache-2.0
#include "bridge/metrics/metric_family.h"

#include <limits>

namespace kchan::metrics {

using prometheus::ClientMetric;
using prometheus::MetricType;

MetricFamily::MetricFamily(std::string name, std::string help, MetricType type) {
  family_.name = std::move(name);
  family_.help = std::move(help);
  family_.type = type;
}

MetricFamily MetricFamily::Counter(std::string name, std::string help) {
  return {std::move(name), std::move(help), MetricType::Counter};
}

MetricFamily MetricFamily::Gauge(std::string name, std::string help) {
  return {std::move(name), std::move(help), MetricType::Gauge};
}

MetricFamily MetricFamily::Histogram(std::string name, std::string help) {
  return {std::move(name), std::move(help), MetricType::Histogram};
}

void MetricFamily::Add(double value, Labels labels) {
  ClientMetric metric;
  metric.label = std::move(labels);
  if (family_.type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  family_.metric.push_back(std::move(metric));
}

void MetricFamily::Add(const hub::Histogram::Reading& reading, Labels labels) {
  ClientMetric metric;
  metric.label = std::move(labels);
  uint64_t cumulative = 0;
  for (size_t i = 0; i < reading.counts.size(); ++i) {
    cumulative += reading.counts[i];
    ClientMetric::Bucket bucket;
    bucket.cumulative_count = cumulative;
    bucket.upper_bound =
        i < reading.bounds.size() ? reading.bounds[i] : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back(bucket);
  }
  metric.histogram.sample_count = cumulative;
  metric.histogram.sample_sum = reading.sum;
  family_.metric.push_back(std::move(metric));
}

void AddGauge(Families& to, const char* name, const char* help, double value, Labels labels) {
  MetricFamily family = MetricFamily::Gauge(name, help);
  family.Add(value, std::move(labels));
  to.push_back(std::move(family).Take());
}

void AddCounter(Families& to, const char* name, const char* help, double value) {
  MetricFamily family = MetricFamily::Counter(name, help);
  family.Add(value);
  to.push_back(std::move(family).Take());
}

}  // namespace kchan::metrics
