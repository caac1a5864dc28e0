// SPDX-License-Identifier: Apache-2.0
#include "methods.h"

#include <chrono>
#include <utility>

namespace kchan::cli::bench {
namespace {

using Measure = absl::StatusOr<Row> (*)(Bench&, const std::string&);

struct Entry {
  const char* channel;
  Measure to_user;
  Measure to_kernel;  // null: it goes one way
};

// The channels of kmod/bench/channels.c.
constexpr Entry kEntries[] = {
    {"bench.ring", MeasureRecords, MeasureSends},
    {"bench.ring.mutex", MeasureRecords, nullptr},
    {"bench.ring.semaphore", MeasureRecords, nullptr},
    {"bench.ring.spinlock", MeasureRecords, nullptr},
    {"bench.genl", MeasureRecords, MeasureSends},
    {"bench.chardev", MeasureRecords, MeasureSends},
    {"bench.relay", MeasureRecords, nullptr},
    {"bench.relay.overwrite", MeasureRecords, nullptr},
    {"bench.file", MeasureRecords, MeasureSends},
    {"bench.log", MeasureRecords, nullptr},
    {"bench.value", MeasureValues, MeasureChanges},
    {"bench.value.spinlock", MeasureValues, MeasureChanges},
    {"bench.block", MeasureBlockReads, MeasureBlockWrites},
};

constexpr uint64_t kMinCalls = 20;

// What this kernel cannot do, rather than what went wrong.
bool IsImpossible(const absl::Status& status) {
  return absl::IsFailedPrecondition(status) || absl::IsUnimplemented(status) ||
         absl::IsNotFound(status) || absl::IsPermissionDenied(status);
}

absl::Status Add(Bench& bench, const Entry& entry, Measure measure, const std::string& direction,
                 std::vector<Row>& rows) {
  auto row = measure(bench, entry.channel);
  if (row.ok()) {
    row->direction = direction;
    rows.push_back(*std::move(row));
    return absl::OkStatus();
  }
  if (!IsImpossible(row.status())) return row.status();
  const auto channel = bench.node.Find(entry.channel);
  Row without = channel.ok() ? Describe(**channel, direction) : Row{.channel = entry.channel};
  without.direction = direction;
  without.reason = std::string(row.status().message());
  rows.push_back(std::move(without));
  return absl::OkStatus();
}

}  // namespace

Row Describe(const hub::Channel& channel, const std::string& direction) {
  const std::shared_ptr<const hub::ChannelDescription> description = channel.snapshot().description;
  std::string method = description->transport;
  if (!description->layout.empty()) method += " " + description->layout;
  // No channel's description says it, but the name.
  if (channel.name().ends_with(".overwrite")) method += " overwrite";
  return {.channel = channel.name(),
          .method = method,
          .direction = direction,
          .amount = hub::VolumeName(description->volume),
          .lock = description->writer_policy};
}

absl::Status TimeCalls(double seconds, uint64_t bytes, Row& row,
                       const std::function<absl::Status(uint64_t index)>& call) {
  using Clock = std::chrono::steady_clock;
  std::vector<uint64_t> took_ns;
  const Clock::time_point start = Clock::now();
  Clock::time_point before = start;
  while (took_ns.size() < kMinCalls || before - start < std::chrono::duration<double>(seconds)) {
    if (absl::Status status = call(took_ns.size()); !status.ok()) return status;
    const Clock::time_point after = Clock::now();
    took_ns.push_back(std::chrono::nanoseconds(after - before).count());
    before = after;
  }
  const double elapsed = std::chrono::duration<double>(before - start).count();
  const auto calls = static_cast<double>(took_ns.size());
  row.windows = {.produced = took_ns.size(), .received = took_ns.size(), .lost = 0};
  row.records_per_second = calls / elapsed;
  row.bytes_per_second = row.records_per_second * static_cast<double>(bytes);
  row.p50_ns = Quantile(took_ns, 0.5);
  row.p99_ns = Quantile(std::move(took_ns), 0.99);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Row>> MeasureMethods(Bench& bench) {
  std::vector<Row> rows;
  for (const Entry& entry : kEntries) {
    absl::Status status = Add(bench, entry, entry.to_user, "to user", rows);
    if (status.ok() && entry.to_kernel != nullptr) {
      status = Add(bench, entry, entry.to_kernel, "to kernel", rows);
    }
    if (!status.ok()) return status;
  }
  return rows;
}

}  // namespace kchan::cli::bench
