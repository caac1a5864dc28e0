// SPDX-License-Identifier: Apache-2.0
// What history on disk costs: the source that appends, the spool itself, and who
// reads it. The folder is in /tmp, or where TMPDIR says.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <semaphore>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "bridge/hub/hub.h"
#include "bridge/spool/spool.h"

namespace kchan::spool {
namespace {

constexpr uint64_t kEpoch = 1;
constexpr int kBurst = 256;
constexpr size_t kPayloadBytes = 128;

class Node {
 public:
  explicit Node(bool has_spool)
      : directory_(MakeDirectory()), hub_({}, [](auto) { return hub::LogLimits{}; }) {
    if (has_spool) {
      SpoolOptions options;
      options.directory = directory_;
      options.limits_for = [](std::string_view) {
        return SpoolLimits{.max_bytes = 256 << 20, .fsync = Fsync::kNever};
      };
      spool_ = Spool::Start(std::move(options), hub_.memory_use());
      hub_.SetHistoryKeeper(spool_.get());
    }
    hub::ChannelDescription description;
    description.name = "c";
    channel_ = hub_.Upsert(std::make_shared<const hub::ChannelDescription>(description));
    channel_->log().StartEpoch(kEpoch, 1, 1);
  }
  ~Node() {
    if (spool_ != nullptr) spool_->Stop();
    std::filesystem::remove_all(directory_);
  }

  void AppendBurst() {
    for (int i = 0; i < kBurst; ++i) {
      log().Append({.boottime_ns = 1, .cpu = 1, .type = 1}, payload_);
    }
    log().Publish();
  }
  hub::Log& log() { return channel_->log(); }
  bool IsSpooled() { return log().history()->extent().records >= log().extent().last_sequence; }

 private:
  static std::string MakeDirectory() {
    std::string path = (std::filesystem::temp_directory_path() / "kchan-bench-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) std::abort();
    return path;
  }

  const std::string directory_;
  const std::vector<std::byte> payload_ = std::vector<std::byte>(kPayloadBytes);
  hub::Hub hub_;
  std::unique_ptr<Spool> spool_;
  std::shared_ptr<hub::Channel> channel_;
};

void SetCounters(benchmark::State& state, uint64_t records) {
  state.SetItemsProcessed(static_cast<int64_t>(records));
  state.SetBytesProcessed(static_cast<int64_t>(records * kPayloadBytes));
}

// The source's cost alone, with the spool off (0) and on (1).
void BM_AppendBesideSpool(benchmark::State& state) {
  Node node(state.range(0) != 0);
  for (auto _ : state) node.AppendBurst();
  SetCounters(state, node.log().extent().records);
}

// As fast as the disk, or its cache, takes it: nothing is evicted before it is
// written. Wall clock, for it is another thread's work.
void BM_Spool(benchmark::State& state) {
  Node node(true);
  for (auto _ : state) {
    for (int i = 0; i < 64; ++i) node.AppendBurst();
    while (!node.IsSpooled()) std::this_thread::yield();
  }
  SetCounters(state, node.log().extent().records);
}

class WakingWaiter final : public hub::Waiter {
 public:
  void Notify() override { ready_.release(); }
  void Sleep() { ready_.acquire(); }

 private:
  std::counting_semaphore<> ready_{0};
};

// One reader of history, from the page cache.
void BM_ReadFromDisk(benchmark::State& state) {
  Node node(true);
  for (int i = 0; i < 2000; ++i) {  // 64 MiB, of which 8 are in memory
    node.AppendBurst();
    while (i % 32 == 0 && !node.IsSpooled()) std::this_thread::yield();
  }
  while (!node.IsSpooled()) std::this_thread::yield();
  const uint64_t end = node.log().extent().oldest_sequence;
  hub::LogPosition position = *node.log().Seek(hub::StartOldest{});
  WakingWaiter waiter;
  uint64_t records = 0;
  for (auto _ : state) {
    hub::LogBatch batch = node.log().Read(position, 256 << 10);
    while (batch.empty()) {
      if (node.log().Wait(position, &waiter)) waiter.Sleep();
      batch = node.log().Read(position, 256 << 10);
    }
    records += batch.last_sequence - batch.first_sequence + 1;
    if (batch.last_sequence + 5000 > end) position = *node.log().Seek(hub::StartOldest{});
  }
  node.log().Disarm(&waiter);
  SetCounters(state, records);
}

BENCHMARK(BM_AppendBesideSpool)->Arg(0)->Arg(1);
BENCHMARK(BM_Spool)->UseRealTime();
BENCHMARK(BM_ReadFromDisk)->UseRealTime();

}  // namespace
}  // namespace kchan::spool
