// SPDX-License-Identifier: Apache-2.0
#include "completion/place.h"

#include <utility>

namespace kchan::cli {
namespace {

bool TakesValue(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

// An option of the innermost command, or of those that it is within.
const CLI::Option* FindOption(const CompletionPlace& place, const std::string& name) {
  for (auto command = place.commands.rbegin(); command != place.commands.rend(); ++command) {
    for (const CLI::Option* option : OptionsOf(**command)) {
      if (option->check_name(name)) return option;
    }
  }
  return nullptr;
}

const CLI::App* FindCommand(const CLI::App& within, const std::string& name) {
  const auto found =
      within.get_subcommands([&](const CLI::App* each) { return each->get_name() == name; });
  return name.empty() || found.empty() ? nullptr : found.front();
}

// The argument at a place among those without a name. The last may be many.
const CLI::Option* PositionalAt(const CLI::App& command, size_t index) {
  const CLI::Option* last = nullptr;
  for (const CLI::Option* option : OptionsOf(command)) {
    if (!option->get_positional()) continue;
    if (index == 0) return option;
    --index;
    last = option;
  }
  return last != nullptr && last->get_items_expected_max() > 1 ? last : nullptr;
}

// Takes the words one by one, as the command line's parser does.
class PlaceFinder {
 public:
  explicit PlaceFinder(const CLI::App& app) { place_.commands.push_back(&app); }

  void Take(const std::string& word) {
    if (const CLI::Option* option = std::exchange(open_option_, nullptr)) {
      place_.given[ArgumentName(*option)] = word;
    } else if (!no_more_options_ && word == "--") {
      no_more_options_ = true;
    } else if (IsOption(word)) {
      TakeOption(word);
    } else if (const CLI::App* command = Subcommand(word)) {
      place_.commands.push_back(command);
    } else {
      const CLI::Option* argument = PositionalAt(*place_.commands.back(), positionals_++);
      if (argument != nullptr) place_.given[ArgumentName(*argument)] = word;
    }
  }

  CompletionPlace Finish(const std::string& word) {
    place_.word = word;
    const size_t equals = word.find('=');
    if (open_option_ != nullptr) {
      place_.argument = open_option_;
    } else if (!IsOption(word)) {
      place_.may_be_command = positionals_ == 0 && !no_more_options_;
      place_.may_be_option = word == "-" && !no_more_options_;
      place_.argument = PositionalAt(*place_.commands.back(), positionals_);
    } else if (equals == std::string::npos) {
      place_.may_be_option = true;
    } else {
      place_.argument = FindOption(place_, word.substr(0, equals));
      place_.option_prefix = word.substr(0, equals + 1);
      place_.word = word.substr(equals + 1);
    }
    return std::move(place_);
  }

 private:
  bool IsOption(const std::string& word) const {
    return !no_more_options_ && word.size() > 1 && word[0] == '-';
  }

  void TakeOption(const std::string& word) {
    const size_t equals = word.find('=');
    const CLI::Option* option = FindOption(place_, word.substr(0, equals));
    if (option == nullptr || !TakesValue(*option)) return;
    if (equals == std::string::npos) {
      open_option_ = option;
    } else {
      place_.given[ArgumentName(*option)] = word.substr(equals + 1);
    }
  }

  const CLI::App* Subcommand(const std::string& word) const {
    if (positionals_ > 0 || no_more_options_) return nullptr;
    return FindCommand(*place_.commands.back(), word);
  }

  CompletionPlace place_;
  const CLI::Option* open_option_ = nullptr;  // its value comes next
  bool no_more_options_ = false;
  size_t positionals_ = 0;
};

}  // namespace

std::vector<const CLI::Option*> OptionsOf(const CLI::App& command) {
  std::vector<const CLI::Option*> options = command.get_options();
  for (const CLI::App* group :
       command.get_subcommands([](const CLI::App* each) { return each->get_name().empty(); })) {
    const std::vector<const CLI::Option*> more = OptionsOf(*group);
    options.insert(options.end(), more.begin(), more.end());
  }
  return options;
}

std::string ArgumentName(const CLI::Option& argument) {
  if (!argument.get_lnames().empty()) return "--" + argument.get_lnames().front();
  return argument.get_name(/*positional=*/true);
}

CompletionPlace FindCompletionPlace(const CLI::App& app, std::span<const std::string> words) {
  PlaceFinder finder(app);
  if (words.empty()) return finder.Finish("");
  for (const std::string& word : words.first(words.size() - 1)) finder.Take(word);
  return finder.Finish(words.back());
}

}  // namespace kchan::cli
