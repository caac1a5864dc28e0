// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "commands.h"
#include "explain.h"
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
    while (left() > 0 && absl::Now() < deadline_) {
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
    if (!printer_.Write(*batch, batch->ClockOf(subscription_.clock()), left())) tail_ended_ = true;
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
    return true;
  }
  bool operator()(const v1::SubscribeResponse::HistoryEnd&) { return true; }
  bool operator()(const v1::SubscribeResponse::Heartbeat&) { return true; }

 private:
  // How many records are still wanted.
  uint64_t left() const {
    if (tail_ended_) return 0;
    if (!tail_.count) return std::numeric_limits<uint64_t>::max() - printer_.records();
    return *tail_.count - std::min(*tail_.count, printer_.records());
  }

  // The daemon could not be reached in the first place.
  ExitCode Refused() { return Explain(refusal_); }

  ExitCode End(const absl::Status& status) {
    const bool asked_for = status.code() == absl::StatusCode::kDeadlineExceeded ||
                           status.code() == absl::StatusCode::kCancelled;
    ExitCode code = kOk;
    if (!asked_for) {
      const bool one = tail_.channels.size() == 1;
      code = one ? ExplainChannel(*client_, status, tail_.channels[0]) : Explain(status);
    }
    if (connected_) Summary();
    return code;
  }

  void Summary() {
    Note(absl::StrCat(printer_.records(), printer_.records() == 1 ? " record, " : " records, ",
                      printer_.losses().ToString()));
    if (!tail_.show_cursors) return;
    for (const v1::Cursor& cursor : subscription_.cursors()) {
      const bool is_last = cursor.channel() == printer_.reached().channel();
      Note(
          absl::StrCat("resume with --cursor ", CursorText(is_last ? printer_.reached() : cursor)));
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
      ->add_option("--cursor", tail->cursors,
                   "go on behind CHANNEL@EPOCH:SEQUENCE; may be given for several channels")
      ->allow_extra_args(false);
  command->add_option("--count", tail->count, "end after N records")->check(CLI::PositiveNumber);
  command->add_option("--for", tail->duration, "end after a time like 500ms, 10s or 1h30m");
  command->add_flag("--json", tail->json, "one JSON object a line");
  command->add_option("--window", tail->window_bytes,
                      "at most this many bytes on the way unacknowledged (default: no bound)");
  command->add_flag("--no-reconnect", tail->no_reconnect, "end when the connection breaks");
  command->add_flag("--show-cursors", tail->show_cursors, "say at the end how to go on later");
  command->callback([=, &options] { *chosen = [=, &options] { return RunTail(options, *tail); }; });
}

}  // namespace kchan::cli
