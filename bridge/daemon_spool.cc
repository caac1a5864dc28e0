// SPDX-License-Identifier: Apache-2.0
// The daemon's history on disk.
#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "bridge/daemon.h"
#include "bridge/node_identity.h"
#include "spdlog/spdlog.h"

namespace kchan {
namespace {

constexpr char kNotThere[] =
    "its history is on disk; nothing provides it now: load its module, if it has one";

constexpr size_t kNamed = 5;  // channels in one line

std::string Names(const std::vector<std::string>& channels) {
  std::string names = absl::StrJoin(
      channels.begin(),
      channels.begin() + static_cast<ptrdiff_t>(std::min(channels.size(), kNamed)), ", ");
  if (channels.size() > kNamed) {
    absl::StrAppend(&names, " and ", channels.size() - kNamed, " more");
  }
  return names;
}

}  // namespace

void Daemon::StartSpool() {
  running_spool_ = config_.spool;
  if (!config_.spool) return;
  const rpc::NodeIdentity node = ThisNode(config_.server.node.name);
  spool::SpoolOptions options;
  options.directory = config_.spool->directory;
  options.max_total_bytes = config_.spool->max_total_bytes;
  options.max_read_bytes = config_.spool->max_read_bytes;
  options.node = node.name;
  options.boot_id = node.boot_id;
  options.limits_for = [this](std::string_view channel) { return SpoolLimitsOf(channel); };
  options.on_problems = [this](std::vector<hub::Problem> problems) {
    hub_.SetOwnProblems("spool", std::move(problems));
  };
  options.on_note = [](const std::string& line) { spdlog::warn("{}", line); };
  spool_ = spool::Spool::Start(std::move(options), hub_.memory_use());
  hub_.SetHistoryKeeper(spool_.get());
  OfferSpooledChannels();
}

// A channel whose records are there is there, whether or not its kernel side
// has come yet, or ever will. That then describes it better.
void Daemon::OfferSpooledChannels() {
  for (const std::string& name : spool_->channels()) {
    if (!SpoolLimitsOf(name)) continue;
    hub::ChannelDescription description;
    description.name = name;
    description.documentation = "Known by its history only.";
    const auto channel =
        hub_.Upsert(std::make_shared<const hub::ChannelDescription>(std::move(description)));
    if (channel == nullptr) continue;
    if (auto schema = channel->FindSchema(channel->log().extent().schema_id)) {
      channel->SetSchema(std::move(schema));
    }
    channel->SetState(hub::ChannelState::kEnded, kNotThere);
  }
}

void Daemon::WarnOfSpoolChanges(const config::Config& config) const {
  if (config.spool != running_spool_) {
    spdlog::warn(
        "spool: its directory, max_total_bytes or max_read_bytes has changed: restart "
        "kchand to apply that");
  }
  std::vector<std::string> to_begin;
  std::vector<std::string> to_end;
  for (const std::shared_ptr<hub::Channel>& channel : hub_.List()) {
    if (!channel->snapshot().description->has_records()) continue;
    const config::ChannelRule* rule = config.FindRule(channel->name());
    const bool is_wanted = config.spool && rule != nullptr && rule->spool;
    const bool is_there = channel->log().history() != nullptr;
    if (is_wanted == is_there) continue;
    (is_wanted ? to_begin : to_end).push_back(channel->name());
  }
  if (!to_begin.empty()) {
    spdlog::warn("spool: history of {} is in memory only until kchand is restarted",
                 Names(to_begin));
  }
  if (!to_end.empty()) {
    spdlog::warn("spool: history of {} goes to disk until kchand is restarted", Names(to_end));
  }
}

std::optional<spool::SpoolLimits> Daemon::SpoolLimitsOf(std::string_view channel) const {
  std::lock_guard lock(config_mutex_);
  const config::ChannelRule* rule = config_.FindRule(channel);
  return rule == nullptr ? std::nullopt : rule->spool;
}

}  // namespace kchan
