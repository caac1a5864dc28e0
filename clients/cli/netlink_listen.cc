// SPDX-License-Identifier: Apache-2.0
#include "netlink_listen.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "explain.h"
#include "kchan/format.h"
#include "kchan/loss.h"
#include "kchan/netlink.h"
#include "kchan/subscription.h"
#include "netlink_text.h"
#include "output.h"
#include "parse.h"
#include "stop.h"

namespace kchan::cli {
namespace {

// Of the protocol: so many fit one Decode.
constexpr size_t kDecodeAtOnce = 1000;
constexpr size_t kDecodeBytesAtOnce = 1 << 20;

struct ListenOptions {
  std::string family;
  std::string group;
  std::string network_namespace;
  std::string duration;
  uint64_t last = 0;
  std::optional<uint64_t> count;
  bool json = false;
};

// What the names of the namespace's channels end with.
std::string At(const ListenOptions& options) {
  return options.network_namespace.empty() ? "" : absl::StrCat("@", options.network_namespace);
}

// The channel of the group, or a glob of all the family's.
std::string ChannelOf(const ListenOptions& options) {
  return absl::StrCat("netlink/", options.family, "/", options.group.empty() ? "*" : options.group,
                      At(options));
}

// A glob of groups also matches those of other namespaces, "monitor@blue".
bool IsAskedFor(const ListenOptions& options, std::string_view channel) {
  const auto has_namespace = [](std::string_view text) { return text.find('@') != text.npos; };
  return !options.network_namespace.empty() || has_namespace(options.group) ||
         !has_namespace(channel);
}

// One `kchan netlink listen`.
class Listen {
 public:
  Listen(std::shared_ptr<Client> client, const ListenOptions& options, absl::Time deadline)
      : client_(std::move(client)),
        options_(options),
        deadline_(deadline),
        subscription_(*client_, Subscribe(options)) {}

  void Cancel() { subscription_.Cancel(); }

  ExitCode Run() {
    while (left() > 0 && absl::Now() < deadline_) {
      const absl::StatusOr<Delivery> delivery = subscription_.Next(deadline_);
      if (!delivery.ok()) return End(delivery.status());
      if (!std::visit(*this, *delivery)) return Explain(failure_);
    }
    return End(absl::OkStatus());
  }

  // What to do with each delivery. False ends it, with failure_.
  bool operator()(const BatchView* batch) {
    if (IsAskedFor(options_, batch->channel())) failure_ = Write(*batch);
    return failure_.ok();
  }
  bool operator()(const v1::SubscribeResponse::Hello& /*hello*/) { return connected_ = true; }
  bool operator()(const Disconnected& disconnected) {
    failure_ = disconnected.status;
    if (connected_) {
      std::fprintf(stderr, "kchan: connection lost, trying to resume: %s\n",
                   std::string(disconnected.status.message()).c_str());
    }
    return connected_;
  }
  bool operator()(const v1::SubscribeResponse::ChannelUpdate& update) {
    if (!IsAskedFor(options_, update.channel())) return true;
    if (update.state() == v1::CHANNEL_STATE_ENDED || update.state() == v1::CHANNEL_STATE_FAILED) {
      std::fprintf(stderr, "kchan: channel '%s' %s: %s\n", Safe(update.channel()).c_str(),
                   StateText(update.state()).c_str(), Safe(update.reason()).c_str());
    }
    return true;
  }
  bool operator()(const v1::SubscribeResponse::HistoryEnd&) { return true; }
  bool operator()(const v1::SubscribeResponse::Heartbeat&) { return true; }
  bool operator()(const Ended&) {
    ended_ = true;
    return true;
  }

 private:
  static SubscriptionOptions Subscribe(const ListenOptions& options) {
    SubscriptionOptions subscription;
    *subscription.open.add_selections() =
        Select(ChannelOf(options), options.last > 0 ? FromLast(options.last) : FromNow());
    return subscription;
  }

  uint64_t left() const {
    if (ended_) return 0;
    if (!options_.count) return std::numeric_limits<uint64_t>::max();
    return *options_.count - std::min(*options_.count, records_);
  }

  absl::Status Write(const BatchView& batch) {
    std::vector<const RecordView*> records;
    std::vector<std::string> payloads;
    size_t bytes = 0;
    absl::Status status;
    const auto flush = [&] {
      if (!status.ok() || records.empty()) return;
      const auto messages = DecodeNetlink(*client_, options_.family, payloads);
      status = messages.status();
      for (size_t i = 0; status.ok() && i < records.size() && left() > 0; ++i) {
        AppendRecord(batch, *records[i], (*messages)[i]);
      }
      records.clear();
      payloads.clear();
      bytes = 0;
    };
    lines_.clear();
    batch.ForEach(
        [&](const RecordView& record) {
          records.push_back(&record);
          payloads.emplace_back(record.payload);
          bytes += record.payload.size();
          if (records.size() == kDecodeAtOnce || bytes >= kDecodeBytesAtOnce) flush();
        },
        [&](const LostView& lost) {
          flush();
          if (left() > 0) AppendLost(batch, lost);
        });
    flush();
    if (!Print(lines_)) ended_ = true;
    return status;
  }

  void AppendRecord(const BatchView& batch, const RecordView& record,
                    const v1::NetlinkMessage& message) {
    ++records_;
    const absl::Time time = subscription_.clock().ToTime(record.boottime_ns);
    if (options_.json) {
      // {"channel":..} and what the message is, as one object.
      absl::StrAppend(&lines_, "{\"channel\":\"", Safe(batch.channel()), "\",\"epoch\":\"",
                      batch.epoch(), "\",\"sequence\":\"", record.sequence, "\",\"time\":\"",
                      absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone()), "\",",
                      MessageLine(message).substr(1), "\n");
      return;
    }
    absl::StrAppend(&lines_, absl::FormatTime("%H:%M:%E6S", time, absl::LocalTimeZone()), "  ",
                    options_.group.empty() ? Safe(batch.channel()) + "  " : "",
                    OperationText(message), " ", AttributesLine(message), "\n");
  }

  void AppendLost(const BatchView& batch, const LostView& lost) {
    losses_.Add(lost);
    if (options_.json) {
      absl::StrAppend(&lines_, "{\"channel\":\"", Safe(batch.channel()), "\",\"lost\":", lost.count,
                      ",\"stage\":\"", std::string(LossStageText(lost.stage)), "\",\"cause\":\"",
                      Safe(lost.cause), "\"}\n");
      return;
    }
    absl::StrAppend(&lines_, "---- lost ----   ",
                    lost.count == 0 ? "an unknown number of" : absl::StrCat(lost.count),
                    " records: ", std::string(LossStageText(lost.stage)), " (", Safe(lost.cause),
                    ")\n");
  }

  ExitCode End(const absl::Status& status) {
    const bool asked_for = status.ok() || status.code() == absl::StatusCode::kDeadlineExceeded ||
                           status.code() == absl::StatusCode::kCancelled;
    if (!asked_for) return ExplainChannel(*client_, status, ChannelOf(options_));
    std::fprintf(stderr, "kchan: %llu %s, %s\n", static_cast<unsigned long long>(records_),
                 records_ == 1 ? "record" : "records", losses_.ToString().c_str());
    return kOk;
  }

  const std::shared_ptr<Client> client_;
  const ListenOptions& options_;
  const absl::Time deadline_;
  Subscription subscription_;
  absl::Status failure_;
  bool connected_ = false;
  bool ended_ = false;
  std::string lines_;
  uint64_t records_ = 0;
  LossCounter losses_;
};

// Says so where there is nothing to hear: a family may come later, but one that is
// misspelt does not.
void NoteNothingYet(Client& client, const ListenOptions& options) {
  const auto channels = client.ListChannels();
  if (!channels.ok()) return;
  const std::string prefix = absl::StrCat("netlink/", options.family, "/");
  const std::string suffix = At(options);
  for (const v1::Channel& channel : *channels) {
    if (absl::StartsWith(channel.name(), prefix) && absl::EndsWith(channel.name(), suffix) &&
        IsAskedFor(options, channel.name())) {
      return;
    }
  }
  std::fprintf(stderr,
               "kchan: netlink family '%s' is not there, or has no group that may be read: "
               "waiting for one\n"
               "  what to do: `kchan netlink families` shows which there are\n",
               Safe(options.family).c_str());
}

ExitCode RunListen(const GlobalOptions& global, const ListenOptions& options) {
  StopWatch stop;
  const auto duration = ParseDuration("--for", options.duration, absl::InfiniteDuration());
  if (!duration.ok()) {
    Explain(duration.status());
    return kUsage;
  }
  auto client = Connect(global, Right::kRead);
  if (!client.ok()) return Explain(client.status());
  if (options.group.empty()) NoteNothingYet(**client, options);
  Listen listen(*std::move(client), options, absl::Now() + *duration);
  stop.Start([&listen] { listen.Cancel(); });
  const ExitCode code = listen.Run();
  stop.End();
  return code;
}

}  // namespace

void AddNetlinkListen(CLI::App& netlink, const GlobalOptions& global, Command* chosen) {
  CLI::App* command = netlink.add_subcommand("listen", "Follow what a family multicasts");
  const auto options = std::make_shared<ListenOptions>();
  command->add_option("family", options->family, "the family's name")->required();
  command->add_option("group", options->group, "one of its groups (default: all)");
  command->add_option("--netns", options->network_namespace,
                      "a network namespace of kchand's configuration (default: its own)");
  command->add_option("--last", options->last, "begin with the last N records");
  command->add_option("--count", options->count, "end after N records")->check(CLI::PositiveNumber);
  command->add_option("--for", options->duration, "end after a time like 500ms, 10s or 1h30m");
  command->add_flag("--json", options->json, "one JSON object a line");
  command->callback(
      [=, &global] { *chosen = [=, &global] { return RunListen(global, *options); }; });
}

}  // namespace kchan::cli
