// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/path/measure.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <thread>
#include <vector>

#include "tests/bench/path/sender_process.h"

namespace kchan::bench {
namespace {

constexpr double kWarmUpSeconds = 1;

constexpr Way kWays[] = {
    {"tcp", "raw TCP, 64 KiB writes", MakeRawTcp},
    {"grpc-slices", "gRPC, pre-encoded 256 KiB messages (ceiling)", MakeGrpcSlices},
    {"grpc-queue", "gRPC, the same from one completion queue's thread", MakeGrpcQueue},
    {"grpc-queues", "gRPC, the same from a queue for each processor", MakeGrpcQueues},
    {"kchan", "kchan", MakeKchan},
    {"kchan-flood", "kchan, a writer who never waits", MakeKchanFlooded},
    {"kchan-apart", "kchan, a writer who costs nothing", MakeKchanApart},
    {"kchan-filter", "kchan, with a filter that all match", MakeKchanFiltered},
    {"kchan-spool", "kchan, with history on disk", MakeKchanSpooled},
    {"grpc-records", "gRPC, one record per message", MakeGrpcRecords},
};

struct Client {
  Progress progress;
  std::thread thread;
  uint64_t bytes_before = 0;
  uint64_t records_before = 0;
};

// What all clients got between two moments.
struct Span {
  double records = 0;
  double bytes = 0;
  double slowest_bytes = 0;
};

Span Since(const std::deque<Client>& clients) {
  Span span;
  span.slowest_bytes = -1;
  for (const Client& client : clients) {
    const auto bytes = static_cast<double>(client.progress.payload_bytes - client.bytes_before);
    span.bytes += bytes;
    span.records += static_cast<double>(client.progress.records - client.records_before);
    span.slowest_bytes = span.slowest_bytes < 0 ? bytes : std::min(span.slowest_bytes, bytes);
  }
  return span;
}

void Pause(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

uint64_t Quantile(std::vector<uint64_t>& values, double part) {
  if (values.empty()) return 0;
  const auto at = static_cast<size_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(at), values.end());
  return values[at];
}

void AddLatencies(std::deque<Client>& clients, Result& result) {
  std::vector<uint64_t> all;
  for (Client& client : clients) {
    // Without the first second's.
    const auto& own = client.progress.latencies_ns;
    const auto warm = static_cast<ptrdiff_t>(std::min<size_t>(client.records_before, own.size()));
    all.insert(all.end(), own.begin() + warm, own.end());
  }
  result.p50_ns = Quantile(all, 0.5);
  result.p99_ns = Quantile(all, 0.99);
}

}  // namespace

const Way* FindWay(std::string_view name) {
  const auto* found = std::find_if(std::begin(kWays), std::end(kWays),
                                   [&](const Way& w) { return w.name == name; });
  return found == std::end(kWays) ? nullptr : found;
}

Result Measure(const Way& way, const Setup& setup, int count, double seconds) {
  using Clock = std::chrono::steady_clock;
  const SenderProcess sender(way.name, setup);
  std::atomic<bool> stop{false};
  std::deque<Client> clients(static_cast<size_t>(count));
  for (Client& client : clients) {
    client.thread = std::thread([&] { way.make()->Receive(setup, stop, client.progress); });
  }
  Pause(kWarmUpSeconds);
  for (Client& client : clients) {
    client.bytes_before = client.progress.payload_bytes;
    client.records_before = client.progress.records;
  }
  const Clock::time_point start = Clock::now();
  const double own_before = OwnCpuSeconds();
  const double sender_before = sender.cpu_seconds();
  Pause(seconds);
  const Span span = Since(clients);
  const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
  const double sender_cpu = sender.cpu_seconds() - sender_before;
  const double both_cpu = OwnCpuSeconds() - own_before + sender_cpu;
  stop = true;
  for (Client& client : clients) client.thread.join();

  Result result;
  result.records_per_second = span.records / elapsed;
  result.bytes_per_second = span.bytes / elapsed;
  if (span.bytes > 0) {
    result.sender_cpu_per_gb = sender_cpu / (span.bytes * 1e-9);
    result.both_cpu_per_gb = both_cpu / (span.bytes * 1e-9);
    result.slowest_share = span.slowest_bytes * count / span.bytes;
  }
  for (const Client& client : clients) result.lost += client.progress.lost;
  AddLatencies(clients, result);
  return result;
}

}  // namespace kchan::bench
