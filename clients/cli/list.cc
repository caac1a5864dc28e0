// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>

#include "commands.h"
#include "explain.h"
#include "json.h"
#include "output.h"

namespace kchan::cli {
namespace {

std::string Method(const v1::Channel& channel) {
  if (channel.layout().empty()) return Safe(channel.transport());
  return Safe(channel.transport() + "/" + channel.layout());
}

// How much data it is made for; of a region of blocks, its size.
std::string Amount(const v1::Channel& channel) {
  if (channel.has_block()) return BytesText(channel.block().capacity_bytes());
  return OrDash(channel.volume());
}

// How much history there is, in memory and on disk.
std::string Kept(const v1::Channel& channel) {
  std::string text = BytesText(channel.log_bytes());
  if (!channel.has_spool()) return text;
  text += " + " + BytesText(channel.spool().bytes()) + " on disk";
  if (channel.spool().state() == v1::SPOOL_STATE_DEGRADED) text += " (degraded)";
  return text;
}

// The rest is in `kchan describe`.
std::string FirstSentence(const std::string& documentation) {
  const size_t end = documentation.find(". ");
  return Safe(end == std::string::npos ? documentation : documentation.substr(0, end + 1));
}

ExitCode List(const GlobalOptions& options, bool json) {
  const auto client = Connect(options, Right::kRead);
  if (!client.ok()) return Explain(client.status());
  const auto channels = (*client)->ListChannels();
  if (!channels.ok()) return Explain(channels.status());
  if (json) {
    for (const v1::Channel& channel : *channels) Print(MessageJson(channel) + "\n");
    return kOk;
  }
  if (channels->empty()) {
    Print("No channels. Is kchan.ko loaded? `kchan status` says more.\n");
    return kOk;
  }
  Table table;
  table.Add({"CHANNEL", "STATE", "TRANSPORT", "DIRECTION", "AMOUNT", "LOCK", "RECORDS", "LOG",
             "WHAT IT IS"});
  for (const v1::Channel& channel : *channels) {
    const bool has_records = HasRecords(channel);
    table.Add({Safe(channel.name()), StateText(channel.state()), Method(channel),
               DirectionText(channel.direction()), Amount(channel), OrDash(channel.writer_policy()),
               has_records ? std::to_string(channel.last_sequence()) : "-",
               has_records ? Kept(channel) : "-", FirstSentence(channel.documentation())});
  }
  Print(table.ToString());
  return kOk;
}

}  // namespace

void AddList(CLI::App& app, const GlobalOptions& options, Command* chosen) {
  CLI::App* command = app.add_subcommand("list", "List the channels of the node");
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "one JSON object for each channel (kchan.v1.Channel)");
  command->callback([=, &options] { *chosen = [=, &options] { return List(options, *json); }; });
}

}  // namespace kchan::cli
