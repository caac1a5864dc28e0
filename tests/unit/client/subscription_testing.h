// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_UNIT_CLIENT_SUBSCRIPTION_TESTING_H_
#define KCHAN_TESTS_UNIT_CLIENT_SUBSCRIPTION_TESTING_H_

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/time/clock.h"
#include "batches.h"
#include "fake_daemon.h"
#include "kchan/subscription.h"

namespace kchan {

using Open = FakeDaemon::Open;
using Stream = FakeDaemon::Stream;

inline const grpc::Status kUnavailable(grpc::StatusCode::UNAVAILABLE, "going away");

// Holds a stream open until its client ends it.
inline grpc::Status WaitForClient(Stream& stream) {
  v1::SubscribeRequest request;
  while (stream.Read(&request)) {
  }
  return grpc::Status::OK;
}

// A subscription to a fake daemon that does as it is told.
class SubscriptionTest : public testing::Test {
 protected:
  SubscriptionTest() : client_(daemon_.NewClient()) {
    options_.backoff = {.initial = absl::Milliseconds(5), .max = absl::Milliseconds(50)};
    Select({{"exec"}});
  }

  void Select(std::vector<std::string> channels) {
    options_.open.clear_selections();
    for (const std::string& channel : channels) {
      *options_.open.add_selections() = kchan::Select(channel, FromOldest());
    }
  }

  void Subscribe(FakeDaemon::SubscribeScript script) {
    daemon_.set_subscribe(std::move(script));
    daemon_.Start();
    subscription_.emplace(*client_, options_);
  }

  absl::StatusOr<Delivery> Next() { return subscription_->Next(absl::Now() + absl::Seconds(20)); }

  // The next delivery of this kind; others go by.
  template <typename Kind>
  absl::StatusOr<Kind> NextOf() {
    for (;;) {
      auto delivery = Next();
      if (!delivery.ok()) return delivery.status();
      if (auto* found = std::get_if<Kind>(&*delivery)) return std::move(*found);
    }
  }

  // The numbers of the records up to `last`, with "lost" for losses.
  std::string ReadThrough(uint64_t last) {
    std::string seen;
    for (uint64_t at = 0; at < last;) {
      const auto batch = NextOf<const BatchView*>();
      if (!batch.ok()) return seen + std::string(batch.status().message());
      (*batch)->ForEach(
          [&](const RecordView& record) { seen += std::to_string(record.sequence) + " "; },
          [&](const LostView& lost) { seen += "lost" + std::to_string(lost.count) + " "; });
      at = (*batch)->last_sequence();
    }
    return seen;
  }

  absl::Status End() {
    for (;;) {
      auto delivery = Next();
      if (!delivery.ok()) return delivery.status();
    }
  }

  FakeDaemon daemon_;
  std::shared_ptr<Client> client_;
  SubscriptionOptions options_;
  std::optional<Subscription> subscription_;
};

}  // namespace kchan

#endif  // KCHAN_TESTS_UNIT_CLIENT_SUBSCRIPTION_TESTING_H_
