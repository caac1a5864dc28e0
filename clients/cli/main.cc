// SPDX-License-Identifier: Apache-2.0
// kchan: look at, follow and talk to the channels of a node.

#include <malloc.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "commands.h"
#include "explain.h"
#include "output.h"
#include "session.h"

namespace {

constexpr char kFooter[] =
    "Exit codes: 0 done, 1 refused or unhealthy, 2 wrong command line, 3 kchand cannot be "
    "reached.\n"
    "Environment: KCHAN_SERVER as --server; NO_COLOR.";

// Batches are short-lived blocks of up to 1 MiB. glibc would give each back to
// the kernel and fault it in again: two to three times the CPU of a tail.
void KeepFreedMemory() {
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
}

// CLI11 says of a word that is no command only that a command is required.
bool ExplainUnknownCommand(CLI::App& app) {
  using namespace kchan::cli;
  const CLI::App* group = &app;
  while (!group->get_subcommands().empty()) group = group->get_subcommands().front();
  const std::vector<std::string> rest = app.remaining(true);
  if (rest.empty() || group->get_require_subcommand_min() == 0) return false;

  const bool is_option = rest.front().starts_with('-');
  std::vector<std::string> names;
  for (const CLI::App* command : group->get_subcommands([](const CLI::App*) { return true; })) {
    if (!is_option) names.push_back(command->get_name());
  }
  const std::vector<std::string> similar = Similar(rest.front(), names);
  const std::string remedy = similar.empty()
                                 ? "--help shows which there are"
                                 : "did you mean " + absl::StrJoin(similar, " or ") + "?";
  std::fprintf(stderr, "kchan: '%s' is no %s of '%s'\n  what to do: %s\n",
               Safe(rest.front()).c_str(), is_option ? "option" : "command",
               group->get_name().c_str(), remedy.c_str());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace kchan::cli;
  KeepFreedMemory();
  std::signal(SIGPIPE, SIG_IGN);  // a reader that went away shows as EPIPE

  CLI::App app("Look at, follow and talk to the kernel channels of a node.", "kchan");
  app.require_subcommand(1);
  app.footer(kFooter);
  app.fallthrough();
  GlobalOptions options;
  app.add_option("--server", options.server,
                 "kchand: unix:/path or host:port (default: its Unix sockets in /run/kchan)")
      ->envname("KCHAN_SERVER");
  app.add_option("--tls-ca", options.tls.ca_file, "speak TLS; trust the authorities in this file");
  app.add_option("--tls-cert", options.tls.certificate_file, "speak TLS; show this certificate");
  app.add_option("--tls-key", options.tls.key_file, "the certificate's key");

  Command chosen;
  AddList(app, options, &chosen);
  AddDescribe(app, options, &chosen);
  AddTail(app, options, &chosen);
  AddSend(app, options, &chosen);
  AddSet(app, options, &chosen);
  AddValue(app, options, &chosen);
  AddBlock(app, options, &chosen);
  AddNetlink(app, options, &chosen);
  AddAuth(app, options, &chosen);
  AddCerts(app, options, &chosen);
  AddStatus(app, options, &chosen);
  AddHealth(app, options, &chosen);
  AddBench(app, options, &chosen);
  AddCompletion(app, options, &chosen);
  AddVersion(app, options, &chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::RequiredError& error) {
    if (!ExplainUnknownCommand(app)) app.exit(error);
    return kUsage;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  return chosen();
}
