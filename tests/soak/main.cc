// SPDX-License-Identifier: Apache-2.0
//
// Clients of one kchand that come and go for a while. One JSON object a line:
// what each has seen, and what of it cannot be true.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <deque>
#include <string>
#include <thread>

#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "tests/soak/soak_client.h"

namespace kchan::soak {
namespace {

void Print(const SoakClient& client) {
  const TickAudit& audit = client.audit();
  google::protobuf::Struct report;
  auto& fields = *report.mutable_fields();
  const auto number = [&](const char* name, uint64_t value) {
    fields[name].set_number_value(static_cast<double>(value));
  };
  number("lives", client.lives());
  number("reconnects", client.reconnects());
  number("epochs", audit.epochs());
  number("records", audit.records());
  number("withheld", audit.withheld());
  auto& lost = *fields["lost"].mutable_struct_value()->mutable_fields();
  for (const auto& [stage, count] : audit.lost()) {
    lost[v1::LossStage_Name(stage)].set_number_value(static_cast<double>(count));
  }
  fields["last_life"].set_string_value(client.last_life().ToString());
  auto& violations = *fields["violations"].mutable_list_value();
  for (const std::string& each : audit.violations()) {
    violations.add_values()->set_string_value(each);
  }
  std::string line;
  if (!google::protobuf::util::MessageToJsonString(report, &line).ok()) std::abort();
  std::puts(line.c_str());
}

int Main(int argc, char** argv) {
  CLI::App app("Clients that come and go");
  std::string target;
  std::string channel = "tick";
  double seconds = 30;
  uint32_t count = 8;
  uint32_t seed = 1;
  app.add_option("--target", target, "kchand's address")->required();
  app.add_option("--channel", channel, "a channel of tick");
  app.add_option("--seconds", seconds, "how long");
  app.add_option("--clients", count, "how many");
  app.add_option("--seed", seed, "what they draw lots from");
  CLI11_PARSE(app, argc, argv);

  const absl::Time end = absl::Now() + absl::Seconds(seconds);
  std::deque<SoakClient> clients;
  std::deque<std::thread> threads;
  for (uint32_t i = 0; i < count; ++i) {
    clients.emplace_back(target, channel, seed + i);
    threads.emplace_back([&client = clients.back(), end] { client.Run(end); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const SoakClient& client : clients) Print(client);
  return 0;
}

}  // namespace
}  // namespace kchan::soak

int main(int argc, char** argv) { return kchan::soak::Main(argc, argv); }
