// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CPP_SRC_BACKOFF_H_
#define KCHAN_CLIENTS_CPP_SRC_BACKOFF_H_

#include <algorithm>
#include <optional>
#include <random>

#include "absl/time/time.h"
#include "kchan/reconnect.h"

namespace kchan {

// Backoff says how long to wait before the next try; see BackoffOptions.
class Backoff {
 public:
  explicit Backoff(const BackoffOptions& options)
      : options_(options), next_(options.initial), random_(std::random_device{}()) {}

  absl::Duration Next(std::optional<absl::Duration> asked_for) {
    const double part = std::uniform_real_distribution<double>(0.5, 1.0)(random_);
    const absl::Duration wait = next_ * part;
    next_ = std::min(next_ * options_.multiplier, options_.max);
    if (!asked_for) return wait;
    // On top, not instead: a daemon asks all its clients for the same.
    return wait + std::clamp(*asked_for, absl::ZeroDuration(), absl::Minutes(1));
  }

  void Reset() { next_ = options_.initial; }

 private:
  const BackoffOptions options_;
  absl::Duration next_;
  std::minstd_rand random_;
};

}  // namespace kchan

#endif  // KCHAN_CLIENTS_CPP_SRC_BACKOFF_H_
