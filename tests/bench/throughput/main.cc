// SPDX-License-Identifier: Apache-2.0
//
// Records per second from one process to another, method by method.
//
//   throughput_bench --size 128 --seconds 3 [--methods tcp,kchan] [--json]
//
// Each method runs a sender (this program again) and a receiver on the same
// processors, over loopback TCP. A warm-up comes first. CPU time counts both
// ends. Machines differ and are noisy: compare the ratios of one run.

#include <malloc.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/bench/throughput/method.h"
#include "tests/bench/throughput/sender_process.h"

namespace kchan::bench {
namespace {

struct Contender {
  const char* name;
  const char* what;
  std::unique_ptr<Method> (*make)();
};

constexpr Contender kContenders[] = {
    {"tcp", "raw TCP, 64 KiB writes", MakeRawTcp},
    {"grpc-slices", "gRPC, pre-encoded 256 KiB messages (ceiling)", MakeGrpcSlices},
    {"kchan", "ring -> log -> Subscribe -> client library", MakeKchan},
    {"grpc-records", "gRPC, one record per message", MakeGrpcRecords},
};

struct Result {
  const Contender* contender;
  double records_per_second;
  double bytes_per_second;
  double cpu_seconds_per_gb;
  uint64_t lost;
};

void SayReady() {
  std::puts("ready");
  std::fflush(stdout);
}

Result Measure(const Contender& contender, uint16_t port, size_t record_bytes, double seconds) {
  using Clock = std::chrono::steady_clock;
  const SenderProcess sender(contender.name, port, record_bytes);
  Progress progress;
  std::atomic<bool> stop{false};
  std::thread receiver([&] { contender.make()->Receive(port, record_bytes, stop, progress); });

  const auto pause = [](double length) {
    std::this_thread::sleep_for(std::chrono::duration<double>(length));
  };
  pause(1.0);  // warm-up
  const auto start = Clock::now();
  const double cpu_before = OwnCpuSeconds() + sender.cpu_seconds();
  const uint64_t records_before = progress.records;
  const uint64_t bytes_before = progress.payload_bytes;
  pause(seconds);
  const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
  const double records = static_cast<double>(progress.records - records_before);
  const double bytes = static_cast<double>(progress.payload_bytes - bytes_before);
  const double cpu = OwnCpuSeconds() + sender.cpu_seconds() - cpu_before;
  stop = true;
  receiver.join();
  return {&contender, records / elapsed, bytes / elapsed, bytes > 0 ? cpu / (bytes * 1e-9) : 0,
          progress.lost};
}

void PrintTable(const std::vector<Result>& results, size_t record_bytes) {
  const auto rate_of = [&](std::string_view name) {
    for (const Result& result : results) {
      if (result.contender->name == name) return result.records_per_second;
    }
    return 0.0;
  };
  std::printf("%zu B records, one client, sender and receiver on the same processors\n\n",
              record_bytes);
  std::printf(
      "| way | M records/s | GB/s of payload | CPU s/GB, both ends | x raw TCP | "
      "x one per message |\n|---|---|---|---|---|---|\n");
  for (const Result& result : results) {
    const auto ratio = [&](std::string_view name) {
      return rate_of(name) > 0 ? result.records_per_second / rate_of(name) : 0.0;
    };
    std::printf("| %s | %.3f | %.3f | %.2f | %.2f | %.1f |\n", result.contender->what,
                result.records_per_second * 1e-6, result.bytes_per_second * 1e-9,
                result.cpu_seconds_per_gb, ratio("tcp"), ratio("grpc-records"));
  }
}

void PrintJson(const std::vector<Result>& results, size_t record_bytes) {
  for (const Result& result : results) {
    std::printf(
        "{\"method\":\"%s\",\"record_bytes\":%zu,\"records_per_second\":%.0f,"
        "\"bytes_per_second\":%.0f,\"cpu_seconds_per_gb\":%.3f,\"lost\":%llu}\n",
        result.contender->name, record_bytes, result.records_per_second, result.bytes_per_second,
        result.cpu_seconds_per_gb, static_cast<unsigned long long>(result.lost));
  }
}

const Contender* Find(std::string_view name) {
  for (const Contender& contender : kContenders) {
    if (contender.name == name) return &contender;
  }
  return nullptr;
}

int Main(int argc, char** argv) {
  CLI::App app("Throughput from one process to another, by method");
  std::string send;
  uint16_t port = 47310;
  size_t record_bytes = 128;
  double seconds = 3;
  std::vector<std::string> methods;
  bool json = false;
  app.add_option("--send", send)->group("");
  app.add_option("--port", port, "first TCP port to use on loopback");
  app.add_option("--size", record_bytes, "payload of a record, in bytes");
  app.add_option("--seconds", seconds, "measure each method for this long");
  app.add_option("--methods", methods, "only these")->delimiter(',');
  app.add_flag("--json", json, "one JSON object per method");
  CLI11_PARSE(app, argc, argv);

  // Batches come and go in hundreds of KiB: do not give them back to the
  // kernel each time.
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);

  if (!send.empty()) {
    Find(send)->make()->Send(port, record_bytes, SayReady);
    return 0;
  }
  if (methods.empty()) {
    for (const Contender& contender : kContenders) methods.emplace_back(contender.name);
  }
  std::vector<Result> results;
  for (const std::string& name : methods) {
    const Contender* contender = Find(name);
    if (contender == nullptr) {
      std::fprintf(stderr, "no such method: %s\n", name.c_str());
      return 2;
    }
    results.push_back(Measure(*contender, port++, record_bytes, seconds));
  }
  json ? PrintJson(results, record_bytes) : PrintTable(results, record_bytes);
  return 0;
}

}  // namespace
}  // namespace kchan::bench

int main(int argc, char** argv) { return kchan::bench::Main(argc, argv); }
