// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "bench/compare.h"
#include "bench/methods.h"
#include "bench/report.h"
#include "commands.h"
#include "explain.h"
#include "output.h"

namespace kchan::cli {
namespace {

absl::StatusOr<bench::Report> Measure(const bench::Options& options) {
  auto node = bench::Node::Start();
  if (!node.ok()) return node.status();
  // The first processor serves most interrupts.
  auto control = bench::Control::Open(**node, std::thread::hardware_concurrency() - 1);
  if (!control.ok()) return control.status();
  bench::Bench parts{**node, **control, options};
  bench::Report report{.machine = bench::ThisMachine(),
                       .bytes = options.bytes,
                       .seconds = options.seconds,
                       .rows = {},
                       .comparison = {}};
  auto rows = bench::MeasureMethods(parts);
  if (!rows.ok()) return rows.status();
  report.rows = *std::move(rows);
  auto comparison = bench::Compare(parts);
  if (!comparison.ok()) return comparison.status();
  report.comparison = *std::move(comparison);
  return report;
}

ExitCode Methods(const bench::Options& options, bool json) {
  const auto report = Measure(options);
  if (!report.ok()) return Explain(report.status());
  Print(json ? bench::ReportJson(*report) + "\n" : bench::ReportText(*report));
  return kOk;
}

}  // namespace

void AddBench(CLI::App& app, const GlobalOptions&, Command* chosen) {
  CLI::App* command = app.add_subcommand("bench", "Measure on this node itself, as root");
  command->require_subcommand(1);
  CLI::App* methods = command->add_subcommand(
      "methods",
      "Every method from the kernel and to it: rate, latency, cost, losses; needs kchan_bench.ko");
  const auto options = std::make_shared<bench::Options>();
  const auto json = std::make_shared<bool>(false);
  methods->add_option("--seconds", options->seconds, "for each method and direction (2)")
      ->check(CLI::Range(0.05, 30.0));
  methods->add_option("--bytes", options->bytes, "of each record's payload (64)")
      ->check(CLI::Range(24, 4096));
  methods->add_flag("--json", *json, "one JSON object");
  methods->callback([=] { *chosen = [=] { return Methods(*options, *json); }; });
}

}  // namespace kchan::cli
