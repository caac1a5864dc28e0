// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>

#include "commands.h"
#include "explain.h"
#include "output.h"

namespace kchan::cli {
namespace {

ExitCode Health(const GlobalOptions& options, const std::string& service) {
  const auto client = Connect(options, Right::kRead);
  if (!client.ok()) return Explain(client.status());
  const auto serving = (*client)->CheckHealth(service);
  if (!serving.ok()) return Explain(serving.status());
  Print(*serving ? "serving\n" : "not serving\n");
  return *serving ? kOk : kError;
}

}  // namespace

void AddHealth(CLI::App& app, const GlobalOptions& options, Command* chosen) {
  CLI::App* command = app.add_subcommand(
      "health", "Ask whether the daemon is alive; for probes: exit code 0 means yes");
  const auto service = std::make_shared<std::string>();
  command->add_option("service", *service,
                      "ask for a service instead: kchan.v1.ChannelService has a usable source");
  command->callback(
      [=, &options] { *chosen = [=, &options] { return Health(options, *service); }; });
}

}  // namespace kchan::cli
