// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_SOAK_SOAK_CLIENT_H_
#define KCHAN_TESTS_SOAK_SOAK_CLIENT_H_

#include <cstdint>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "kchan/client.h"
#include "kchan/subscription.h"
#include "tests/soak/tick_audit.h"

namespace kchan::soak {

// A client that reads one channel by fits and starts: in each of its lives it
// opens a stream where the last one ended, with other wishes, reads, perhaps
// stands still for longer than the log keeps records, reads on, and goes away.
//
// Thread safety: one thread.
class SoakClient {
 public:
  SoakClient(std::string target, std::string channel, uint32_t seed);

  // One life after the other until `end`, then a last one, which must reach
  // what is live.
  void Run(absl::Time end);

  const TickAudit& audit() const { return audit_; }
  uint64_t lives() const { return lives_; }
  uint64_t reconnects() const { return reconnects_; }
  // OK: the last life saw a record that was new.
  const absl::Status& last_life() const { return last_life_; }

 private:
  SubscriptionOptions Wishes();
  void Live();
  absl::Status ReachLive();
  // Reads for so long; why it could not.
  absl::Status Read(Subscription& subscription, absl::Duration time);
  void Take(const Delivery& delivery);
  absl::Duration UpTo(absl::Duration longest);
  bool OneOf(uint32_t n) { return random_() % n == 0; }

  const std::string target_;
  const std::string channel_;
  std::mt19937 random_;
  TickAudit audit_;
  uint64_t lives_ = 0;
  uint64_t reconnects_ = 0;
  absl::Status last_life_ = absl::UnknownError("it did not come to its last life");
};

}  // namespace kchan::soak

#endif  // KCHAN_TESTS_SOAK_SOAK_CLIENT_H_
