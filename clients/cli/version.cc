// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "commands.h"
#include "explain.h"
#include "output.h"

namespace kchan::cli {
namespace {

std::string NodeText(const v1::Node& node) {
  std::string text = "kchand " + Safe(node.daemon_version()) + " on " + Safe(node.name()) +
                     ", kernel " + Safe(node.kernel_release()) + ", ABI " +
                     Safe(node.daemon_abi()) + "\n";
  if (node.module_version().empty()) return text + "kchan.ko is not loaded\n";
  return text + "kchan.ko " + Safe(node.module_version()) + ", ABI " + Safe(node.module_abi()) +
         "\n";
}

// The client's own version is worth having also where no daemon runs, so that
// is not an error here.
ExitCode Version(const GlobalOptions& options) {
  Print("kchan " KCHAN_VERSION "\n");
  const auto client = Connect(options, Right::kRead);
  if (!client.ok()) return Explain(client.status());
  const auto node = (*client)->GetNode();
  Print(node.ok() ? NodeText(*node)
                  : "kchand cannot be reached: " + std::string(node.status().message()) + "\n");
  return kOk;
}

}  // namespace

void AddVersion(CLI::App& app, const GlobalOptions& options, Command* chosen) {
  app.add_subcommand("version", "Show the versions of this program, the daemon and the module")
      ->callback([=, &options] { *chosen = [&options] { return Version(options); }; });
}

}  // namespace kchan::cli
