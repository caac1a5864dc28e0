// SPDX-License-Identifier: Apache-2.0
#include "tests/soak/soak_client.h"

#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "absl/time/clock.h"

namespace kchan::soak {
namespace {

constexpr absl::Duration kLongestLife = absl::Seconds(4);
// Longer than a flooded log keeps a record.
constexpr absl::Duration kLongestStall = absl::Seconds(3);
// For a guest whose daemon has just been killed and started again.
constexpr absl::Duration kToReachLive = absl::Seconds(60);

absl::StatusOr<std::shared_ptr<Client>> Connect(const std::string& target) {
  return Client::Connect({.target = target});
}

}  // namespace

SoakClient::SoakClient(std::string target, std::string channel, uint32_t seed)
    : target_(std::move(target)), channel_(std::move(channel)), random_(seed) {}

void SoakClient::Run(absl::Time end) {
  while (absl::Now() < end) Live();
  last_life_ = ReachLive();
}

SubscriptionOptions SoakClient::Wishes() {
  SubscriptionOptions options;
  v1::SubscribeRequest::Open& open = options.open;
  *open.add_selections() =
      Select(channel_, audit_.cursor() ? FromCursor(*audit_.cursor()) : FromOldest());
  if (OneOf(2)) open.set_window_bytes(64u << (10 + random_() % 5));
  if (OneOf(3)) open.set_max_batch_bytes(4u << (10 + random_() % 8));
  if (OneOf(4)) open.mutable_max_delay()->set_nanos(50'000'000);
  open.mutable_heartbeat_interval()->set_seconds(1);
  return options;
}

void SoakClient::Live() {
  ++lives_;
  const auto client = Connect(target_);
  if (!client.ok()) return;
  Subscription subscription(**client, Wishes());
  if (!Read(subscription, UpTo(kLongestLife)).ok()) return;
  if (OneOf(3)) {
    absl::SleepFor(UpTo(kLongestStall));
  } else if (OneOf(3)) {
    subscription.Pause();
    if (!Read(subscription, UpTo(kLongestStall)).ok()) return;
    subscription.Resume();
  }
  Read(subscription, UpTo(kLongestLife)).IgnoreError();
}

absl::Status SoakClient::ReachLive() {
  const auto client = Connect(target_);
  if (!client.ok()) return client.status();
  SubscriptionOptions options;
  *options.open.add_selections() = Select(channel_);
  Subscription subscription(**client, options);
  const absl::Time deadline = absl::Now() + kToReachLive;
  for (;;) {
    const absl::StatusOr<Delivery> delivery = subscription.Next(deadline);
    if (!delivery.ok()) return delivery.status();
    const auto* batch = std::get_if<const BatchView*>(&*delivery);
    if (batch != nullptr && !(*batch)->records().empty()) return absl::OkStatus();
  }
}

absl::Status SoakClient::Read(Subscription& subscription, absl::Duration time) {
  for (const absl::Time end = absl::Now() + time; absl::Now() < end;) {
    const absl::StatusOr<Delivery> delivery = subscription.Next(end);
    if (absl::IsDeadlineExceeded(delivery.status())) break;
    if (!delivery.ok()) return delivery.status();
    Take(*delivery);
  }
  return absl::OkStatus();
}

void SoakClient::Take(const Delivery& delivery) {
  if (const auto* batch = std::get_if<const BatchView*>(&delivery)) audit_.Add(**batch);
  if (std::holds_alternative<Disconnected>(delivery)) ++reconnects_;
}

absl::Duration SoakClient::UpTo(absl::Duration longest) {
  return longest * std::uniform_real_distribution<double>(0, 1)(random_);
}

}  // namespace kchan::soak
