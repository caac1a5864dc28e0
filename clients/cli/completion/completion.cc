// SPDX-License-Identifier: Apache-2.0
// `kchan completion SHELL` prints what makes a shell ask; `kchan complete` answers.
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "commands.h"
#include "completion/candidates.h"
#include "completion/place.h"
#include "completion/scripts.h"
#include "output.h"

namespace kchan::cli {
namespace {

// Instead of candidates: the shell's own names of files.
constexpr char kFiles[] = ":files\n";

std::vector<Candidate> CommandsAt(const CompletionPlace& place) {
  std::vector<Candidate> words;
  for (const CLI::App* command : place.commands.back()->get_subcommands([](const CLI::App* each) {
         return !each->get_name().empty() && !each->get_group().empty();
       })) {
    words.push_back({command->get_name(), command->get_description()});
  }
  return words;
}

std::vector<Candidate> OptionsAt(const CompletionPlace& place) {
  std::vector<Candidate> words;
  std::set<std::string> seen;
  for (auto command = place.commands.rbegin(); command != place.commands.rend(); ++command) {
    for (const CLI::Option* option : OptionsOf(**command)) {
      if (option->get_lnames().empty()) continue;
      const std::string name = ArgumentName(*option);
      if (seen.insert(name).second) words.push_back({name, option->get_description()});
    }
  }
  return words;
}

// "--server=" comes back with each word, as the shell replaces all of it.
std::string Lines(const CompletionPlace& place, const std::vector<Candidate>& words) {
  std::string lines;
  for (const Candidate& each : words) {
    // Nothing that a terminal would obey gets into a command line.
    if (each.text.empty() || !std::string_view(each.text).starts_with(place.word) ||
        Safe(each.text) != each.text) {
      continue;
    }
    lines += place.option_prefix + each.text + "\t" + InOneLine(each.documentation) + "\n";
  }
  return lines;
}

ExitCode Complete(const CLI::App& app, const GlobalOptions& options,
                  const std::vector<std::string>& words) {
  const CompletionPlace place = FindCompletionPlace(app, words);
  if (place.may_be_option) Print(Lines(place, OptionsAt(place)));
  if (place.may_be_command) Print(Lines(place, CommandsAt(place)));
  if (place.argument == nullptr) return kOk;
  const Candidates candidates = CandidatesFor(place, options);
  Print(candidates.are_files ? kFiles : Lines(place, candidates.words));
  return kOk;
}

ExitCode PrintScript(const std::string& shell) {
  Print(shell == "bash" ? kBashScript : shell == "zsh" ? kZshScript : kFishScript);
  return kOk;
}

}  // namespace

void AddCompletion(CLI::App& app, const GlobalOptions& options, Command* chosen) {
  CLI::App* completion = app.add_subcommand(
      "completion", "Print a script that lets a shell complete the words of `kchan`");
  const auto shell = std::make_shared<std::string>();
  completion->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->callback([=] { *chosen = [=] { return PrintScript(*shell); }; });

  // For the scripts: no command of people's.
  CLI::App* complete = app.add_subcommand("complete", "Complete the last of some words")->group("");
  const auto words = std::make_shared<std::vector<std::string>>();
  complete->add_option("words", *words, "behind --: those of a command line, behind `kchan`");
  complete->callback([=, &app, &options] {
    *chosen = [=, &app, &options] { return Complete(app, options, *words); };
  });
}

}  // namespace kchan::cli
