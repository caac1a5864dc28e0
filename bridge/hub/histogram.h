// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_HISTOGRAM_H_
#define KCHAN_BRIDGE_HUB_HISTOGRAM_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace kchan::hub {

// How often a figure was how large.
//
// Thread safety: any thread.
class Histogram {
 public:
  // `bounds`: each bucket's largest value, rising; what is larger has a last one.
  explicit Histogram(std::vector<double> bounds)
      : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

  void Observe(double value) {
    const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value);
    counts_[static_cast<size_t>(bucket - bounds_.begin())].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }

  struct Reading {
    std::vector<double> bounds;
    std::vector<uint64_t> counts;  // of each bucket alone; one more than bounds
    double sum = 0;

    uint64_t count() const { return std::accumulate(counts.begin(), counts.end(), uint64_t{0}); }
  };
  Reading Read() const {
    Reading reading{.bounds = bounds_, .counts = {}, .sum = sum_.load(std::memory_order_relaxed)};
    for (const auto& count : counts_) {
      reading.counts.push_back(count.load(std::memory_order_relaxed));
    }
    return reading;
  }

 private:
  const std::vector<double> bounds_;
  std::vector<std::atomic<uint64_t>> counts_;
  std::atomic<double> sum_{0};
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_HISTOGRAM_H_
