// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "commands.h"
#include "explain.h"
#include "output.h"

namespace kchan::cli {
namespace {

struct SetOptions {
  std::string channel;
  std::vector<std::string> assignments;
  std::optional<uint64_t> budget_bytes;
  std::optional<uint32_t> linger_ms;
};

std::optional<uint64_t> ParseNumber(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x")) {
    text.remove_prefix(2);
    base = 16;
  }
  uint64_t value;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value, base);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

absl::StatusOr<v1::UpdateChannelRequest> Request(const SetOptions& set) {
  v1::UpdateChannelRequest request;
  request.set_name(set.channel);
  for (const std::string& assignment : set.assignments) {
    const size_t equals = assignment.find('=');
    const auto value = equals == std::string::npos
                           ? std::nullopt
                           : ParseNumber(std::string_view(assignment).substr(equals + 1));
    if (!value || equals == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", assignment, "' is not PARAMETER=NUMBER, like rate=1000"));
    }
    (*request.mutable_parameters())[assignment.substr(0, equals)] = *value;
  }
  if (set.budget_bytes) request.set_budget_bytes(*set.budget_bytes);
  if (set.linger_ms) request.set_linger_ms(*set.linger_ms);
  if (set.assignments.empty() && !set.budget_bytes && !set.linger_ms) {
    return absl::InvalidArgumentError("nothing to set: give PARAMETER=NUMBER");
  }
  return request;
}

ExitCode Set(const GlobalOptions& options, const SetOptions& set) {
  const auto request = Request(set);
  if (!request.ok()) {
    Explain(request.status());
    return kUsage;
  }
  const auto client = Connect(options, Right::kControl);
  if (!client.ok()) return Explain(client.status());
  const auto channel = (*client)->UpdateChannel(*request);
  if (!channel.ok()) return ExplainChannel(**client, channel.status(), set.channel);
  // All or nothing: what was asked for is what holds now.
  for (const v1::Parameter& parameter : channel->parameters()) {
    const auto value = request->parameters().find(parameter.name());
    if (value == request->parameters().end()) continue;
    Print(absl::StrCat(Safe(parameter.name()), "=", value->second,
                       parameter.unit().empty() ? "" : " ", Safe(parameter.unit()), "\n"));
  }
  return kOk;
}

}  // namespace

void AddSet(CLI::App& app, const GlobalOptions& options, Command* chosen) {
  CLI::App* command =
      app.add_subcommand("set", "Set parameters of a channel's source: all or nothing");
  const auto set = std::make_shared<SetOptions>();
  command->add_option("channel", set->channel, "the channel's name")->required();
  command->add_option("assignments", set->assignments,
                      "PARAMETER=NUMBER; `kchan describe` shows them");
  command->add_option("--budget-bytes", set->budget_bytes,
                      "kernel memory for its rings, from when it is next turned on");
  command->add_option("--linger-ms", set->linger_ms,
                      "how long it stays on without a reader, from when it is next turned on");
  command->callback([=, &options] { *chosen = [=, &options] { return Set(options, *set); }; });
}

}  // namespace kchan::cli
