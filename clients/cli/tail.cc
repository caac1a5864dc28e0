// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "commands.h"
#include "explain.h"
#include "filter_error.h"
#include "kchan/subscription.h"
#include "output.h"
#include "parse.h"
#include "record_printer.h"
#include "stop.h"
#include "tail_options.h"

namespace kchan::cli {
namespace {

void Note(const std::string& text) { std::fprintf(stderr, "kchan: %s\n", text.c_str()); }

// Tail runs one `kchan tail`, from the subscription to the summary.
class Tail {
 public:
  Tail(std::shared_ptr<Client> client, const TailOptions& tail, SubscriptionOptions options,
       absl::Duration duration)
      : client_(client),
        tail_(tail),
        deadline_(absl::Now() + duration),
        printer_(std::move(client), tail.json),
        subscription_(*client_, std::move(options)) {}

  void Cancel() { subscription_.Cancel(); }

  ExitCode Run() {
    // A stream that is never idle must not carry a tail beyond its time.
    while (!tail_ended_ && absl::Now() < deadline_) {
      absl::StatusOr<Delivery> delivery = subscription_.Next(deadline_);
      if (!delivery.ok()) return End(delivery.status());
      if (!std::visit(*this, *delivery)) return Refused();
    }
    Summary();
    return kOk;
  }

  // What to do with each delivery. False ends the tail.
  bool operator()(const BatchView* batch) {
    // Standard output that nobody reads is an end like any other.
    if (!printer_.Write(*batch, batch->ClockOf(subscription_.clock()))) tail_ended_ = true;
    return true;
  }
  bool operator()(const v1::SubscribeResponse::Hello& hello) {
    printer_.set_node(hello.node().name());
    if (broken_) Note(absl::StrCat("connected to ", Safe(hello.node().name()), " again"));
    connected_ = true;
    broken_ = false;
    return true;
  }
  bool operator()(const Disconnected& disconnected) {
    refusal_ = disconnected.status;
    if (!connected_) return false;
    if (!std::exchange(broken_, true)) {
      Note(absl::StrCat("connection lost, trying to resume: ", disconnected.status.message()));
    }
    return true;
  }
  bool operator()(const v1::SubscribeResponse::ChannelUpdate& update) {
    if (update.state() == v1::CHANNEL_STATE_ENDED || update.state() == v1::CHANNEL_STATE_FAILED) {
      Note(absl::StrCat("channel '", Safe(update.channel()), "' ", StateText(update.state()), ": ",
                        Safe(update.reason())));
    }
    if (update.schema_id() != 0) NoteMissing(update);
    return true;
  }
  bool operator()(const v1::SubscribeResponse::HistoryEnd&) { return true; }
  bool operator()(const v1::SubscribeResponse::Heartbeat&) { return true; }
  bool operator()(const Ended&) {
    tail_ended_ = true;
    return true;
  }

 private:
  // The daemon could not be reached in the first place.
  ExitCode Refused() { return Explain(refusal_); }

  ExitCode End(const absl::Status& status) {
    const bool asked_for = status.code() == absl::StatusCode::kDeadlineExceeded ||
                           status.code() == absl::StatusCode::kCancelled;
    ExitCode code = kOk;
    if (ExplainFilter(status, tail_.filter) || ExplainFields(status)) return kUsage;
    if (!asked_for) {
      const bool one = tail_.channels.size() == 1;
      code = one ? ExplainChannel(*client_, status, tail_.channels[0]) : Explain(status);
    }
    if (connected_) Summary();
    return code;
  }

  // A field that a channel lacks, or has lost. Of several channels one that it never
  // had is another's.
  void NoteMissing(const v1::SubscribeResponse::ChannelUpdate& update) {
    const std::vector<std::string> missing(update.missing_fields().begin(),
                                           update.missing_fields().end());
    const auto [known, is_first] = missing_.try_emplace(update.channel(), missing);
    const bool is_news = is_first ? tail_.channels.size() == 1 : known->second != missing;
    known->second = missing;
    if (!is_news || missing.empty()) return;
    Note(absl::StrCat("channel '", Safe(update.channel()),
                      "' has no such fields: ", Safe(absl::StrJoin(missing, ", "))));
  }

  void Summary() {
    const std::string withheld =
        printer_.filtered() == 0 ? "" : absl::StrCat(", ", printer_.filtered(), " filtered");
    Note(absl::StrCat(printer_.records(), printer_.records() == 1 ? " record, " : " records, ",
                      printer_.losses().ToString(), withheld));
    if (!tail_.show_cursors) return;
    for (const v1::Cursor& cursor : subscription_.cursors()) {
      Note(absl::StrCat("resume with --cursor ", CursorText(cursor)));
    }
  }

  const std::shared_ptr<Client> client_;
  const TailOptions& tail_;
  const absl::Time deadline_;
  RecordPrinter printer_;
  Subscription subscription_;
  bool connected_ = false;
  bool broken_ = false;
  bool tail_ended_ = false;
  std::map<std::string, std::vector<std::string>> missing_;  // fields, by channel
  absl::Status refusal_;
};

ExitCode RunTail(const GlobalOptions& global, const TailOptions& tail) {
  StopWatch stop;
  const auto duration = ParseDuration("--for", tail.duration, absl::InfiniteDuration());
  auto options = MakeSubscriptionOptions(tail);
  for (const absl::Status& status : {duration.status(), options.status()}) {
    if (status.ok()) continue;
    Explain(status);
    return kUsage;
  }
  auto client = Connect(global, Right::kRead);
  if (!client.ok()) return Explain(client.status());
  Tail run(*std::move(client), tail, *std::move(options), *duration);
  stop.Start([&run] { run.Cancel(); });
  const ExitCode code = run.Run();
  stop.End();
  return code;
}

}  // namespace

void AddTail(CLI::App& app, const GlobalOptions& options, Command* chosen) {
  CLI::App* command = app.add_subcommand("tail", "Follow channels, record by record");
  const auto tail = std::make_shared<TailOptions>();
  command->add_option("channels", tail->channels, "names, or globs like 'net*' (default: all)");
  auto* last = command->add_option("--last", tail->last, "begin with the last N records");
  command->add_flag("--from-oldest", tail->from_oldest, "begin with the oldest record kept")
      ->excludes(last);
  command
      ->add_option("--since", tail->since,
                   "begin with the records of a time, 2026-11-25T10:00:00Z, or of 10m ago")
      ->excludes(last);
  command
      ->add_option("--cursor", tail->cursors,
                   "go on behind CHANNEL@EPOCH:SEQUENCE; may be given for several channels")
      ->allow_extra_args(false);
  command->add_option("--filter", tail->filter,
                      "only records that match, like 'pid > 1000 comm = \"ba*\"'; fields as "
                      "`kchan describe` shows them, see docs/filters.md");
  command
      ->add_option("--fields", tail->fields,
                   "only these fields of each record, like pid,comm,local.port; see "
                   "docs/fields.md")
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--until", tail->until, "end at a time, given as --since");
  command->add_flag("--no-follow", tail->no_follow,
                    "end where the history does; begins with the oldest record if not told where");
  command->add_option("--count", tail->count, "end after N records")->check(CLI::PositiveNumber);
  command->add_option("--for", tail->duration, "end after a time like 500ms, 10s or 1h30m");
  command->add_option("--sample", tail->sample, "one of every N records, by number")
      ->check(CLI::PositiveNumber);
  command->add_option("--rate", tail->rate, "at most N records a second; what is beyond it is lost")
      ->check(CLI::PositiveNumber);
  command->add_option("--overflow", tail->overflow,
                      "when too slow for the log: go on with the oldest record (default) or the "
                      "newest, disconnect, or block the channel where its owner allows that");
  command->add_flag("--json", tail->json, "one JSON object a line");
  command->add_option("--window", tail->window_bytes,
                      "at most this many bytes on the way unacknowledged (default: no bound)");
  command->add_option("--max-delay", tail->max_delay,
                      "let a record wait so long, like 100ms, for others to be sent with: fewer "
                      "messages (default: not at all)");
  command->add_flag("--no-reconnect", tail->no_reconnect, "end when the connection breaks");
  command->add_flag("--show-cursors", tail->show_cursors, "say at the end how to go on later");
  command->callback([=, &options] { *chosen = [=, &options] { return RunTail(options, *tail); }; });
}

}  // namespace kchan::cli
