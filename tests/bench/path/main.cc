// SPDX-License-Identifier: Apache-2.0
//
// What the data path does, beside what could be had without it. Each table is
// one run: sender and receivers on the same processors, over loopback TCP, one
// way after the other, after a warm-up. Machines differ and are noisy: compare
// the ratios of one run.
//
//   path_bench throughput --sizes 32,128,1024 [--tls]
//   path_bench fanout --clients 1,8,64
//   path_bench latency --rate 1000
//   path_bench stalled --clients 1000
//   path_bench idle --clients 100
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/bench/path/credentials.h"
#include "tests/bench/path/measure.h"
#include "tests/bench/path/scratch_folder.h"
#include "tests/bench/path/standstill.h"
#include "tests/bench/path/tables.h"

namespace kchan::bench {
namespace {

void SayReady() {
  std::puts("ready");
  std::fflush(stdout);
}

std::vector<const Way*> WaysOf(const std::vector<std::string>& names) {
  std::vector<const Way*> ways;
  for (const std::string& name : names) {
    ways.push_back(FindWay(name));
    if (ways.back() == nullptr) {
      std::fprintf(stderr, "no such way: %s\n", name.c_str());
      std::exit(2);
    }
  }
  return ways;
}

int Main(int argc, char** argv) {
  CLI::App app("The data path, measured");
  app.require_subcommand(1);
  Setup setup{.port = 47310};
  std::vector<size_t> sizes = {128};
  std::vector<int> clients = {1};
  std::vector<std::string> ways;
  Rounds rounds;
  bool tls = false;
  bool json = false;

  CLI::App* send = app.add_subcommand("send")->group("");
  std::string sender;
  send->add_option("way", sender);
  send->add_option("--size", setup.record_bytes);
  send->add_option("--rate", setup.rate);
  send->add_option("--tls", setup.tls_folder);
  send->add_option("--spool", setup.spool_folder);
  send->add_option("--port", setup.port);

  CLI::App* throughput = app.add_subcommand("throughput", "records per second, one client");
  throughput->add_option("--sizes", sizes, "payloads, in bytes")->delimiter(',');
  CLI::App* fanout = app.add_subcommand("fanout", "the same to many clients");
  fanout->add_option("--clients", clients, "how many at once")->delimiter(',');
  CLI::App* latency = app.add_subcommand("latency", "how long one record is on its way");
  latency->add_option("--rate", setup.rate, "records per second (1000)");
  CLI::App* stalled = app.add_subcommand("stalled", "memory that clients cost who never read");
  CLI::App* idle = app.add_subcommand("idle", "what clients cost for whom nothing comes");
  int stalled_clients = 1000;
  int idle_clients = 100;
  stalled->add_option("--clients", stalled_clients, "how many (1000)");
  idle->add_option("--clients", idle_clients, "how many (100)");
  for (CLI::App* table : {throughput, fanout, latency, stalled, idle}) {
    table->add_option("--port", setup.port, "first TCP port to use on loopback");
    table->add_option("--seconds", rounds.seconds, "measure each way for this long");
    table->add_flag("--json", json, "one JSON object for each row");
  }
  for (CLI::App* table : {throughput, fanout, latency}) {
    table->add_option("--ways", ways, "only these")->delimiter(',');
    table->add_flag("--tls", tls, "over TLS, where the way has it");
  }
  for (CLI::App* table : {throughput, latency}) {
    table->add_option("--rounds", rounds.count, "measure all ways so often, print the medians (1)")
        ->check(CLI::PositiveNumber);
  }
  CLI11_PARSE(app, argc, argv);

  // Batches come and go in hundreds of KiB: do not give them back to the
  // kernel each time.
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);

  if (send->parsed()) {
    WaysOf({sender})[0]->make()->Send(setup, SayReady);
    return 0;
  }
  if (latency->parsed() && setup.rate == 0) setup.rate = 1000;
  const ScratchFolder scratch;
  setup.spool_folder = scratch.path() + "/spool";
  if (tls) {
    setup.tls_folder = scratch.path();
    MakeCertificate(scratch.path());
  }
  const auto ways_or = [&](std::vector<std::string> usual) {
    return WaysOf(ways.empty() ? std::move(usual) : ways);
  };
  Printer printer(json);
  if (throughput->parsed()) {
    const auto usual =
        tls ? std::vector<std::string>{"grpc-slices", "kchan", "kchan-apart", "grpc-records"}
            : std::vector<std::string>{"tcp",         "grpc-slices", "kchan",
                                       "kchan-apart", "kchan-flood", "kchan-filter",
                                       "kchan-spool", "grpc-records"};
    PrintThroughput(printer, ways_or(usual), setup, sizes, rounds);
  } else if (fanout->parsed()) {
    PrintFanout(printer, ways_or({"grpc-slices", "kchan"}), setup, clients, rounds.seconds);
  } else if (latency->parsed()) {
    PrintLatency(printer, ways_or({"tcp", "grpc-records", "kchan"}), setup, rounds);
  } else if (stalled->parsed()) {
    PrintStalled(printer, setup, stalled_clients);
  } else {
    PrintIdle(printer, setup, idle_clients, rounds.seconds);
  }
  return 0;
}

}  // namespace
}  // namespace kchan::bench

int main(int argc, char** argv) { return kchan::bench::Main(argc, argv); }
