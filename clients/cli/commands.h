// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_COMMANDS_H_
#define KCHAN_CLIENTS_CLI_COMMANDS_H_

#include <CLI/App.hpp>
#include <functional>

#include "exit_code.h"
#include "session.h"

namespace kchan::cli {

// What the command line asks for, run once all of it has been parsed.
using Command = std::function<ExitCode()>;

// Each adds one command to `app`. When the command is given on the command
// line, *chosen becomes what it does. `options` outlives the app.
void AddList(CLI::App& app, const GlobalOptions& options, Command* chosen);
void AddDescribe(CLI::App& app, const GlobalOptions& options, Command* chosen);
void AddTail(CLI::App& app, const GlobalOptions& options, Command* chosen);
void AddSend(CLI::App& app, const GlobalOptions& options, Command* chosen);
void AddSet(CLI::App& app, const GlobalOptions& options, Command* chosen);
void AddValue(CLI::App& app, const GlobalOptions& options, Command* chosen);
void AddBlock(CLI::App& app, const GlobalOptions& options, Command* chosen);
void AddNetlink(CLI::App& app, const GlobalOptions& options, Command* chosen);
void AddAuth(CLI::App& app, const GlobalOptions& options, Command* chosen);
void AddCerts(CLI::App& app, const GlobalOptions& options, Command* chosen);
void AddStatus(CLI::App& app, const GlobalOptions& options, Command* chosen);
void AddHealth(CLI::App& app, const GlobalOptions& options, Command* chosen);
void AddBench(CLI::App& app, const GlobalOptions& options, Command* chosen);
void AddCompletion(CLI::App& app, const GlobalOptions& options, Command* chosen);
void AddVersion(CLI::App& app, const GlobalOptions& options, Command* chosen);

}  // namespace kchan::cli

#endif  // KCHAN_CLIENTS_CLI_COMMANDS_H_
