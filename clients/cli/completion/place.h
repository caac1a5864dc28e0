// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_COMPLETION_PLACE_H_
#define KCHAN_CLIENTS_CLI_COMPLETION_PLACE_H_

#include <CLI/App.hpp>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace kchan::cli {

// Where in a command line the word stands that is to be completed.
//
// Lifetime: points into the app.
struct CompletionPlace {
  std::vector<const CLI::App*> commands;  // `kchan`, and those within it
  // What has been given before it, by the name of the argument: {"--server",
  // "unix:/x"}, {"channel", "exec"}.
  std::map<std::string, std::string> given;
  std::string word;  // as far as it is there
  // What it is a value of; null: of nothing.
  const CLI::Option* argument = nullptr;
  std::string option_prefix;  // "--server=", if the option is in the same word
  bool may_be_command = false;
  bool may_be_option = false;
};

// `words`: those behind `kchan`; the last one is the one to complete, and may be
// empty.
CompletionPlace FindCompletionPlace(const CLI::App& app, std::span<const std::string> words);

// The options of a command, with those of its groups.
std::vector<const CLI::Option*> OptionsOf(const CLI::App& command);

// What an argument is called in `given`: "--server", "channel".
std::string ArgumentName(const CLI::Option& argument);

}  // namespace kchan::cli

#endif  // KCHAN_CLIENTS_CLI_COMPLETION_PLACE_H_
