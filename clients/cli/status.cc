// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "commands.h"
#include "explain.h"
#include "json.h"
#include "output.h"

namespace kchan::cli {
namespace {

std::string KernelSideText(v1::KernelSide side) {
  return EnumText(v1::KernelSide_Name(side), "KERNEL_SIDE_");
}

std::string NodeText(const v1::GetStatusResponse& status) {
  const v1::Node& node = status.node();
  const bool ready = status.kernel_side() == v1::KERNEL_SIDE_READY;
  std::string text = absl::StrCat("node         ", Safe(node.name()), ", kernel ",
                                  Safe(node.kernel_release()), "\n");
  absl::StrAppend(&text, "kchand       ", Safe(node.daemon_version()), ", ABI ",
                  Safe(node.daemon_abi()), ", up ",
                  absl::FormatDuration(absl::Seconds(status.uptime().seconds())), "\n");
  text += absl::StrCat("kernel side  ");
  text += ready ? Colours().good : Colours().bad;
  text += KernelSideText(status.kernel_side());
  text += Colours().reset;
  if (!node.module_version().empty()) {
    absl::StrAppend(&text, ", kchan.ko ", Safe(node.module_version()), ", ABI ",
                    Safe(node.module_abi()));
  }
  absl::StrAppend(&text, "\nreaders      ", status.subscriptions(), " subscriptions\n");
  absl::StrAppend(&text, "memory       ", BytesText(status.log_bytes()), " in logs, ",
                  BytesText(status.pinned_bytes()), " held by slow readers\n");
  if (status.spool_bytes() != 0) {
    absl::StrAppend(&text, "disk         ", BytesText(status.spool_bytes()), " of history\n");
  }
  return text;
}

std::string ProblemsText(const v1::GetStatusResponse& status) {
  std::string text;
  for (const v1::Problem& problem : status.problems()) {
    text += "\n";
    text += Colours().bad;
    text += Safe(problem.subject());
    text += Colours().reset;
    text += ": " + Safe(problem.description()) + "\n";
    if (!problem.remedy().empty()) text += "  what to do: " + Safe(problem.remedy()) + "\n";
  }
  return text;
}

std::string CountersText(const v1::GetStatusResponse& status) {
  if (status.channels().empty()) return {};
  Table table;
  table.Add(
      {"CHANNEL", "RECORDS", "BYTES", "LOST: RING", "TRANSPORT", "SOURCE", "EVICTED", "READERS"});
  for (const v1::ChannelCounters& channel : status.channels()) {
    table.Add({Safe(channel.channel()), absl::StrCat(channel.records()), BytesText(channel.bytes()),
               absl::StrCat(channel.lost_kernel_ring()),
               absl::StrCat(channel.lost_kernel_transport()), absl::StrCat(channel.lost_source()),
               absl::StrCat(channel.evicted_records()), absl::StrCat(channel.subscriptions())});
  }
  return "\n" + table.ToString();
}

std::string DeliveriesText(const v1::GetStatusResponse& status) {
  Table table;
  table.Add({"TO READERS", "DELIVERED", "BYTES", "ACKNOWLEDGED", "FILTERED", "SAMPLED",
             "LOST: EVICTED", "POLICY", "RATE LIMIT", "RESTART", "SPOOL"});
  bool any = false;
  for (const v1::ChannelCounters& channel : status.channels()) {
    const uint64_t numbers[] = {channel.filtered(),          channel.sampled(),
                                channel.lost_log_eviction(), channel.lost_subscriber_policy(),
                                channel.lost_rate_limit(),   channel.lost_daemon_restart(),
                                channel.lost_spool()};
    std::vector<std::string> row = {Safe(channel.channel()), absl::StrCat(channel.delivered()),
                                    BytesText(channel.delivered_bytes()),
                                    BytesText(channel.acknowledged_bytes())};
    uint64_t sum = channel.delivered();
    for (const uint64_t number : numbers) {
      row.push_back(absl::StrCat(number));
      sum += number;
    }
    if (sum == 0) continue;
    any = true;
    table.Add(std::move(row));
  }
  return any ? "\n" + table.ToString() : "";
}

ExitCode Status(const GlobalOptions& options, bool json) {
  const auto client = Connect(options, Right::kRead);
  if (!client.ok()) return Explain(client.status());
  const auto status = (*client)->GetStatus();
  if (!status.ok()) return Explain(status.status());
  if (json) {
    Print(MessageJson(*status) + "\n");
  } else {
    Print(NodeText(*status) + ProblemsText(*status) + CountersText(*status) +
          DeliveriesText(*status));
  }
  return kOk;
}

}  // namespace

void AddStatus(CLI::App& app, const GlobalOptions& options, Command* chosen) {
  CLI::App* command = app.add_subcommand(
      "status", "Show what works, what is missing and what to do about it, and the counters");
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "one JSON object (kchan.v1.GetStatusResponse)");
  command->callback([=, &options] { *chosen = [=, &options] { return Status(options, *json); }; });
}

}  // namespace kchan::cli
