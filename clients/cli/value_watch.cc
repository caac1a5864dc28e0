// SPDX-License-Identifier: Apache-2.0
#include "value_watch.h"

#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "explain.h"
#include "kchan/values.h"
#include "output.h"
#include "parse.h"
#include "stop.h"
#include "value_text.h"

namespace kchan::cli {
namespace {

struct WatchOptions {
  std::vector<std::string> channels;
  std::string sample;
  std::string heartbeat;
  std::string duration;
  bool suppress_redundant = false;
  std::optional<uint64_t> count;
  bool no_reconnect = false;
  bool json = false;
};

void Note(const std::string& text) { std::fprintf(stderr, "kchan: %s\n", text.c_str()); }

// Watch runs one `kchan value watch`.
class Watch {
 public:
  Watch(std::shared_ptr<Client> client, const WatchOptions& options, ValueWatchOptions watch,
        absl::Duration duration)
      : client_(std::move(client)),
        options_(options),
        deadline_(absl::Now() + duration),
        watch_(*client_, std::move(watch)) {}

  void Cancel() { watch_.Cancel(); }

  ExitCode Run() {
    while (!ended_ && absl::Now() < deadline_) {
      absl::StatusOr<ValueDelivery> delivery = watch_.Next(deadline_);
      if (!delivery.ok()) return End(delivery.status());
      if (!std::visit(*this, *delivery)) return Explain(refusal_);
    }
    return kOk;
  }

  // What to do with each delivery. False: the daemon could not be reached in
  // the first place.
  bool operator()(const v1::WatchValuesResponse::Update& update) {
    if (std::exchange(broken_, false)) Note("connected again");
    connected_ = true;
    if (update.stale()) SayWhyStale(update.channel());
    const std::string line = options_.json ? UpdateJson(update) : Text(update);
    ++updates_;
    if (!Print(line + "\n") || (options_.count && updates_ >= *options_.count)) ended_ = true;
    return true;
  }
  bool operator()(const ValuesSynced&) { return true; }
  bool operator()(const Disconnected& disconnected) {
    refusal_ = disconnected.status;
    if (!connected_) return false;
    if (!std::exchange(broken_, true)) {
      Note(absl::StrCat("connection lost, trying again: ", disconnected.status.message()));
    }
    schemas_.clear();  // another daemon may know another one
    return true;
  }

 private:
  ExitCode End(const absl::Status& status) {
    if (absl::IsDeadlineExceeded(status) || absl::IsCancelled(status)) return kOk;
    return options_.channels.size() == 1 ? ExplainChannel(*client_, status, options_.channels[0])
                                         : Explain(status);
  }

  std::string Text(const v1::WatchValuesResponse::Update& update) {
    std::string text = Safe(update.channel());
    if (update.has_values()) {
      absl::StrAppend(&text, "  ", WordsText(update.values(), SchemaOf(update.channel())));
    }
    if (update.duplicates() > 0) {
      absl::StrAppend(&text, "  (", update.duplicates(), " more ",
                      update.duplicates() == 1 ? "change" : "changes", " before)");
    }
    if (update.stale()) text += "  (stale: its kernel side is gone)";
    return text;
  }

  // A channel that is gone says only that: its reason is the channel's.
  void SayWhyStale(const std::string& name) {
    const auto channel = client_->GetChannel(name);
    if (!channel.ok() || channel->state_reason().empty()) return;
    Note(absl::StrCat("channel '", Safe(name), "' ", StateText(channel->state()), ": ",
                      Safe(channel->state_reason()), ": `kchan status` says what to do"));
  }

  // For the names of numbers; without one they are shown as they are.
  const v1::Schema& SchemaOf(const std::string& channel) {
    const auto [schema, is_new] = schemas_.try_emplace(channel);
    if (!is_new) return schema->second;
    if (auto got = client_->GetSchema(channel); got.ok()) schema->second = *std::move(got);
    return schema->second;
  }

  const std::shared_ptr<Client> client_;
  const WatchOptions& options_;
  const absl::Time deadline_;
  ValueWatch watch_;
  std::map<std::string, v1::Schema> schemas_;
  uint64_t updates_ = 0;
  bool connected_ = false;
  bool broken_ = false;
  bool ended_ = false;
  absl::Status refusal_;
};

ExitCode RunWatch(const GlobalOptions& global, const WatchOptions& options) {
  StopWatch stop;
  const auto duration = ParseDuration("--for", options.duration, absl::InfiniteDuration());
  const auto sample = ParseDuration("--sample", options.sample, absl::ZeroDuration());
  const auto heartbeat = ParseDuration("--heartbeat", options.heartbeat, absl::ZeroDuration());
  for (const absl::Status& status : {duration.status(), sample.status(), heartbeat.status()}) {
    if (status.ok()) continue;
    Explain(status);
    return kUsage;
  }
  auto client = Connect(global, Right::kRead);
  if (!client.ok()) return Explain(client.status());
  ValueWatchOptions watch{.channels = options.channels,
                          .sample_interval = *sample,
                          .suppress_redundant = options.suppress_redundant,
                          .heartbeat_interval = *heartbeat,
                          .reconnect = !options.no_reconnect};
  Watch run(*std::move(client), options, std::move(watch), *duration);
  stop.Start([&run] { run.Cancel(); });
  const ExitCode code = run.Run();
  stop.End();
  return code;
}

}  // namespace

void AddValueWatch(CLI::App& value, const GlobalOptions& global, Command* chosen) {
  CLI::App* command = value.add_subcommand("watch", "Show values, and then each change of them");
  const auto options = std::make_shared<WatchOptions>();
  command->add_option("channels", options->channels, "the channels' names")->required();
  command->add_option("--sample", options->sample,
                      "once in a time like 100ms or 10s, changed or not, instead of each change");
  command->add_flag("--suppress-redundant", options->suppress_redundant,
                    "of the samples only those that changed");
  command->add_option("--heartbeat", options->heartbeat,
                      "again after a time in which nothing was shown");
  command->add_option("--count", options->count, "end after N lines")->check(CLI::PositiveNumber);
  command->add_option("--for", options->duration, "end after a time like 500ms, 10s or 1h30m");
  command->add_flag("--json", options->json, "one JSON object a line");
  command->add_flag("--no-reconnect", options->no_reconnect, "end when the connection breaks");
  command->callback(
      [=, &global] { *chosen = [=, &global] { return RunWatch(global, *options); }; });
}

}  // namespace kchan::cli
