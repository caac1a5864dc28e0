// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_UNIT_HUB_SUBSCRIPTION_TESTING_H_
#define KCHAN_TESTS_UNIT_HUB_SUBSCRIPTION_TESTING_H_

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "bridge/hub/subscription.h"
#include "tests/unit/hub/hub_testing.h"

namespace kchan::hub::testing {

inline Selection ByName(const std::string& name, const Start& start = StartOldest{}) {
  return {.is_glob = false, .pattern = name, .start = start};
}
inline Selection ByGlob(const std::string& glob, const Start& start = StartOldest{}) {
  return {.is_glob = true, .pattern = glob, .start = start};
}

class SubscriptionTest : public HubTest {
 protected:
  absl::Status TryOpen(SubscriptionOptions options) {
    subscription_.reset();
    auto opened = Subscription::Open(hub_, std::move(options), &waiter_);
    if (!opened.ok()) return opened.status();
    subscription_ = *std::move(opened);
    return absl::OkStatus();
  }
  void Open(SubscriptionOptions options) {
    const absl::Status status = TryOpen(std::move(options));
    ASSERT_TRUE(status.ok()) << status;
  }
  void Open(const Selection& selection) { Open(SubscriptionOptions{.selections = {selection}}); }

  SubscriptionOutput Next() {
    auto output = subscription_->Next();
    EXPECT_TRUE(output.ok()) << output.status();
    return output.ok() ? *std::move(output) : SubscriptionOutput(NothingOut{});
  }

  // What comes until there is nothing, in a shorthand: "update exec live",
  // "records exec 1-5", "lost exec 3", "filtered exec 3", "history exec 5", "end".
  std::vector<std::string> Script() {
    std::vector<std::string> lines;
    for (SubscriptionOutput output = Next(); !std::holds_alternative<NothingOut>(output);
         output = Next()) {
      Describe(output, lines);
      if (std::holds_alternative<EndOut>(output)) break;
    }
    return lines;
  }

  // The next batch, over everything else; an empty one if there is none.
  BatchOut NextBatch() {
    for (;;) {
      SubscriptionOutput output = Next();
      if (auto* batch = std::get_if<BatchOut>(&output)) return std::move(*batch);
      if (std::holds_alternative<NothingOut>(output)) return {};
      if (std::holds_alternative<EndOut>(output)) return {};
    }
  }

  CountingWaiter waiter_;
  std::unique_ptr<Subscription> subscription_;

 private:
  static void Describe(const SubscriptionOutput& output, std::vector<std::string>& lines) {
    static constexpr const char* kStates[] = {"?", "idle", "live", "ended", "failed"};
    if (const auto* update = std::get_if<ChannelUpdateOut>(&output)) {
      lines.push_back("update " + update->channel + " " +
                      kStates[static_cast<size_t>(update->state)] + " epoch " +
                      std::to_string(update->epoch));
    } else if (const auto* end = std::get_if<HistoryEndOut>(&output)) {
      lines.push_back("history " + end->channel + " " + std::to_string(end->cursor.sequence));
    } else if (std::holds_alternative<EndOut>(output)) {
      lines.push_back("end");
    } else if (const auto* batch = std::get_if<BatchOut>(&output)) {
      const std::vector<Seen> seen = Decode(batch->batch);
      const std::vector<uint64_t> numbers = RecordNumbers(seen);
      if (const uint64_t lost = LostNumbers(seen); lost != 0) {
        lines.push_back("lost " + batch->channel->name() + " " + std::to_string(lost));
      }
      if (const uint64_t filtered = batch->batch.filtered; filtered != 0) {
        lines.push_back("filtered " + batch->channel->name() + " " + std::to_string(filtered));
      }
      if (numbers.empty()) return;
      lines.push_back("records " + batch->channel->name() + " " + std::to_string(numbers.front()) +
                      "-" + std::to_string(numbers.back()));
    }
  }
};

}  // namespace kchan::hub::testing

#endif  // KCHAN_TESTS_UNIT_HUB_SUBSCRIPTION_TESTING_H_
