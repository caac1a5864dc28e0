// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "commands.h"
#include "explain.h"
#include "kchan/error.h"
#include "kchan/values.h"
#include "output.h"
#include "value_text.h"
#include "value_watch.h"

namespace kchan::cli {
namespace {

struct ValueOptions {
  std::string channel;
  std::string word;
  std::string value;
  std::string expected;
  int64_t delta = 0;
  bool json = false;
};

// A channel of values as it is when a command begins.
struct Channel {
  std::shared_ptr<Client> client;
  v1::Schema schema;  // empty if it has none
  v1::Values values;
};

absl::StatusOr<Channel> OpenChannel(std::shared_ptr<Client> client, const std::string& name) {
  Channel channel{.client = std::move(client), .schema = {}, .values = {}};
  auto values = GetValues(*channel.client, name);
  if (!values.ok()) return values.status();
  channel.values = *std::move(values);
  auto schema = channel.client->GetSchema(name);
  if (schema.ok()) channel.schema = *std::move(schema);
  return channel;
}

absl::Status NoSuchWord(const ValueOptions& options, const v1::Values& values) {
  std::string words;
  for (const v1::Word& word : values.words()) {
    absl::StrAppend(&words, words.empty() ? "" : ", ", Safe(word.name()));
  }
  return absl::InvalidArgumentError(absl::StrCat("channel '", options.channel, "' has no word '",
                                                 options.word, "': it has ", words));
}

void PrintTable(const Channel& channel) {
  Table table;
  table.Add({"WORD", "VALUE", "UNIT", "CHANGED BY", "WHAT IT IS"});
  for (const v1::Word& word : channel.values.words()) {
    const v1::Field* field = FindField(channel.schema, word.name());
    const v1::Field& known = field == nullptr ? v1::Field::default_instance() : *field;
    table.Add({Safe(word.name()), ValueText(word.value(), field), Safe(known.unit()),
               known.writable() ? "clients" : "the kernel", Safe(known.documentation())});
  }
  Print(table.ToString());
}

ExitCode Get(const GlobalOptions& global, const ValueOptions& options) {
  auto client = Connect(global, Right::kRead);
  if (!client.ok()) return Explain(client.status());
  const auto channel = OpenChannel(*client, options.channel);
  if (!channel.ok()) return ExplainChannel(**client, channel.status(), options.channel);
  v1::Values values = channel->values;
  if (!options.word.empty()) {
    const v1::Value* value = FindWord(channel->values, options.word);
    if (value == nullptr) return Explain(NoSuchWord(options, channel->values));
    if (!options.json) {
      Print(ValueText(*value, FindField(channel->schema, options.word)) + "\n");
      return kOk;
    }
    values.clear_words();
    v1::Word& word = *values.add_words();
    word.set_name(options.word);
    *word.mutable_value() = *value;
  }
  if (options.json) {
    Print(ValuesJson(options.channel, values) + "\n");
  } else {
    PrintTable(*channel);
  }
  return kOk;
}

// What the three changes have in common: the word as it was before.
struct Change {
  Channel channel;
  v1::Value now;
  const v1::Field* field = nullptr;  // in channel.schema

  absl::StatusOr<v1::Value> Parse(const std::string& text) const {
    return ParseValue(text, now, field);
  }
  std::string Text(const v1::Value& value) const { return ValueText(value, field); }
};

// Calls `make` with the word that the command line names.
template <typename Make>
ExitCode WithWord(const GlobalOptions& global, const ValueOptions& options, Make make) {
  auto client = Connect(global, Right::kControl);
  if (!client.ok()) return Explain(client.status());
  auto channel = OpenChannel(*client, options.channel);
  if (!channel.ok()) return ExplainChannel(**client, channel.status(), options.channel);
  const v1::Value* now = FindWord(channel->values, options.word);
  if (now == nullptr) return Explain(NoSuchWord(options, channel->values));
  Change change{.channel = *std::move(channel), .now = *now};
  change.field = FindField(change.channel.schema, options.word);
  const absl::StatusOr<ExitCode> code = make(change);
  return code.ok() ? *code : Explain(code.status());
}

void PrintChanged(const ValueOptions& options, const std::string& now, const std::string& before) {
  Print(absl::StrCat(Safe(options.word), "=", now,
                     before.empty() ? "" : absl::StrCat(" (was ", before, ")"), "\n"));
}

ExitCode Set(const GlobalOptions& global, const ValueOptions& options) {
  return WithWord(global, options, [&](const Change& change) -> absl::StatusOr<ExitCode> {
    const auto value = change.Parse(options.value);
    if (!value.ok()) return value.status();
    const auto before = SetValue(*change.channel.client, options.channel, options.word, *value);
    if (!before.ok()) return before.status();
    PrintChanged(options, change.Text(*value), *before ? change.Text(**before) : "");
    return kOk;
  });
}

ExitCode Add(const GlobalOptions& global, const ValueOptions& options) {
  return WithWord(global, options, [&](const Change& change) -> absl::StatusOr<ExitCode> {
    const auto added =
        AddValue(*change.channel.client, options.channel, options.word, options.delta);
    if (!added.ok()) return added.status();
    PrintChanged(options, change.Text(added->after()), change.Text(added->before()));
    return kOk;
  });
}

ExitCode CompareAndSwap(const GlobalOptions& global, const ValueOptions& options) {
  return WithWord(global, options, [&](const Change& change) -> absl::StatusOr<ExitCode> {
    const auto expected = change.Parse(options.expected);
    if (!expected.ok()) return expected.status();
    const auto value = change.Parse(options.value);
    if (!value.ok()) return value.status();
    const auto swapped = CompareAndSwapValue(*change.channel.client, options.channel, options.word,
                                             *expected, *value);
    if (!swapped.ok()) return swapped.status();
    if (swapped->swapped()) {
      PrintChanged(options, change.Text(*value), change.Text(swapped->before()));
      return kOk;
    }
    std::fprintf(stderr, "kchan: not swapped: %s is %s, not %s\n", options.word.c_str(),
                 change.Text(swapped->before()).c_str(), options.expected.c_str());
    return kError;
  });
}

}  // namespace

void AddValue(CLI::App& app, const GlobalOptions& global, Command* chosen) {
  CLI::App* command = app.add_subcommand("value", "Read, change and watch channels of values");
  command->require_subcommand(1);
  const auto options = std::make_shared<ValueOptions>();
  const auto add = [&](const char* name, const char* what,
                       ExitCode (*run)(const GlobalOptions&, const ValueOptions&)) {
    CLI::App* sub = command->add_subcommand(name, what);
    sub->add_option("channel", options->channel, "the channel's name")->required();
    sub->callback([=, &global] { *chosen = [=, &global] { return run(global, *options); }; });
    return sub;
  };
  CLI::App* get = add("get", "Show all words, or one", Get);
  get->add_option("word", options->word, "only this word, and nothing but its value");
  get->add_flag("--json", options->json, "one JSON object");
  CLI::App* set = add("set", "Give a word a value", Set);
  set->add_option("word", options->word)->required();
  set->add_option("value", options->value, "a number, a name that the schema has for one, or text")
      ->required();
  CLI::App* plus = add("add", "Add to a word, atomically", Add);
  plus->add_option("word", options->word)->required();
  plus->add_option("delta", options->delta, "may be negative")->required();
  CLI::App* cas =
      add("cas", "Give a word a value if it has the expected one, atomically", CompareAndSwap);
  cas->add_option("word", options->word)->required();
  cas->add_option("expected", options->expected)->required();
  cas->add_option("value", options->value)->required();
  AddValueWatch(*command, global, chosen);
}

}  // namespace kchan::cli
