// SPDX-License-Identifier: Apache-2.0
// Channels of values: only the latest counts, the version says how many there
// were.
#include <time.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/hub/value_reader.h"
#include "methods.h"

namespace kchan::cli::bench {
namespace {

constexpr uint64_t kPaceNs = 1'000'000;
constexpr uint64_t kMinPaced = 100;
constexpr uint64_t kFlatOut = 200'000;
constexpr int kIdleRounds = 7;
constexpr uint64_t kIdleRecords = 20'000;
constexpr uint64_t kWordBytes = 8;

uint64_t BoottimeNs() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return uint64_t(now.tv_sec) * 1'000'000'000 + uint64_t(now.tv_nsec);
}

// What a reader of a channel of values has seen.
class Watch {
 public:
  Watch(Node& node, std::shared_ptr<hub::Channel> channel)
      : node_(node), reader_(node.hub(), std::move(channel), &sleeper_) {}

  // The values as they are, to count from.
  absl::Status Begin() {
    absl::Status status = AwaitState(node_.hub(), *reader_.channel(), hub::ChannelState::kLive);
    if (!status.ok()) return status;
    const Deadline deadline = InSeconds(10);
    while (!reader_.ready()) {
      if (reader_.Wait() && !sleeper_.SleepUntil(deadline)) {
        return absl::DeadlineExceededError("no values came");
      }
    }
    const auto now = reader_.Take().snapshot;
    version_ = now->version;
    return absl::OkStatus();
  }

  // Until the version has grown by `changes`; their number and what was given.
  absl::StatusOr<Account> Follow(uint64_t changes, std::vector<uint64_t>* latencies_ns) {
    const Deadline deadline = InSeconds(20);
    Account account{.produced = changes, .received = 0, .lost = 0};
    while (account.received + account.lost < changes) {
      const hub::ValueUpdate update = reader_.Take();
      if (update.changed && update.snapshot->version != version_) {
        ++account.received;
        account.lost += update.snapshot->version - version_ - 1;
        version_ = update.snapshot->version;
        if (latencies_ns != nullptr) {
          const uint64_t now = BoottimeNs();
          latencies_ns->push_back(now - std::min(now, update.snapshot->boottime_ns));
        }
        continue;
      }
      if (reader_.Wait() && !sleeper_.SleepUntil(deadline)) {
        return absl::DeadlineExceededError(
            absl::StrCat("channel ", reader_.channel()->name(), ": of ", changes, " changes ",
                         account.received + account.lost, " were told"));
      }
    }
    if (account.received + account.lost == changes) return account;
    return absl::InternalError(absl::StrCat("channel ", reader_.channel()->name(), ": ", changes,
                                            " changes were made, ", account.received + account.lost,
                                            " told"));
  }

 private:
  Node& node_;
  Sleeper sleeper_;
  hub::ValueReader reader_;
  uint64_t version_ = 0;
};

double CostOf(const BenchResult& result) {
  return static_cast<double>(result.emit_ns) / static_cast<double>(result.produced());
}

absl::Status Paced(Bench& bench, const std::string& name, Watch& watch, Row& row) {
  const auto wanted = static_cast<uint64_t>(bench.options.seconds / 2 * 1e9 / kPaceNs);
  const Run run{
      .channel = name, .records = std::max(kMinPaced, wanted), .batch = 1, .pace_ns = kPaceNs};
  if (absl::Status status = bench.control.Start(run); !status.ok()) return status;
  std::vector<uint64_t> latencies_ns;
  const auto account = watch.Follow(run.records, &latencies_ns);
  if (!account.ok()) return account.status();
  row.paced = *account;
  row.p50_ns = Quantile(latencies_ns, 0.5);
  row.p99_ns = Quantile(std::move(latencies_ns), 0.99);
  return bench.control.Wait().status();
}

absl::Status FlatOut(Bench& bench, const std::string& name, Watch& watch, Row& row) {
  const auto result = bench.control.Execute({.channel = name, .records = kFlatOut});
  if (!result.ok()) return result.status();
  const auto account = watch.Follow(result->produced(), nullptr);
  if (!account.ok()) return account.status();
  row.flat_out = *account;
  row.kernel_ns_read = CostOf(*result);
  // What is made in a second: a value that nobody saw was not lost, but
  // replaced.
  row.records_per_second = static_cast<double>(result->produced()) * 1e9 /
                           static_cast<double>(result->end_ns - result->start_ns);
  row.bytes_per_second = row.records_per_second * kWordBytes;
  return absl::OkStatus();
}

absl::Status Idle(Bench& bench, const std::string& name, Row& row) {
  std::vector<double> costs;
  for (int round = 0; round < kIdleRounds; ++round) {
    const auto result = bench.control.Execute({.channel = name, .records = kIdleRecords});
    if (!result.ok()) return result.status();
    costs.push_back(CostOf(*result));
  }
  // What else the processor did only added.
  row.kernel_ns = *std::min_element(costs.begin(), costs.end());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Row> MeasureValues(Bench& bench, const std::string& name) {
  auto channel = bench.node.Find(name);
  if (!channel.ok()) return channel.status();
  Row row = Describe(**channel, "to user");
  if (absl::Status status = Idle(bench, name, row); !status.ok()) return status;
  Watch watch(bench.node, *channel);
  if (absl::Status status = watch.Begin(); !status.ok()) return status;
  if (absl::Status status = Paced(bench, name, watch, row); !status.ok()) return status;
  if (absl::Status status = FlatOut(bench, name, watch, row); !status.ok()) return status;
  return row;
}

absl::StatusOr<Row> MeasureChanges(Bench& bench, const std::string& name) {
  auto channel = bench.node.Find(name);
  if (!channel.ok()) return channel.status();
  Row row = Describe(**channel, "to kernel");
  absl::Status status = TimeCalls(bench.options.seconds / 2, kWordBytes, row, [&](uint64_t index) {
    return bench.node.door()
        .ChangeValue(name, {.word = "level", .operand = hub::Value(index)})
        .status();
  });
  if (!status.ok()) return status;
  return row;
}

}  // namespace kchan::cli::bench
