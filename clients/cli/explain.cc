// SPDX-License-Identifier: Apache-2.0
#include "explain.h"

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "kchan/error.h"

namespace kchan::cli {
namespace {

// How many letters must be put in, taken out or changed.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

// Which command works with a channel of the kind that the daemon named.
std::string OtherCommand(const absl::Status& status) {
  const auto says = [&](const char* part) { return absl::StrContains(status.message(), part); };
  if (says("' has values")) {
    return "`kchan value get CHANNEL` shows them, `kchan value watch CHANNEL` follows them";
  }
  if (says("' has blocks")) return "`kchan block read CHANNEL` and `kchan block write CHANNEL`";
  return "`kchan tail CHANNEL` shows them, `kchan send CHANNEL TYPE` sends them";
}

std::string Remedy(const absl::Status& status) {
  if (ErrorReason(status) == "WRONG_VOLUME") return OtherCommand(status);
  if (ErrorReason(status) == "WRONG_DIRECTION") return "`kchan send CHANNEL TYPE` sends to it";
  const auto says = [&](const char* part) { return absl::StrContains(status.message(), part); };
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      if (says("No such file or directory") || says("Connection refused")) {
        return "kchand does not listen there: start it (systemctl start kchand), or name another "
               "one with --server or KCHAN_SERVER";
      }
      if (says("Permission denied")) {
        return "the socket belongs to a group that you are not in: usermod -aG kchan $USER and "
               "log in again, or run this as root";
      }
      return "is kchand running there, and does it want TLS (--tls-ca, and --tls-cert with "
             "--tls-key "
             "if it verifies its clients)?";
    case absl::StatusCode::kDeadlineExceeded:
      return "kchand did not answer in time: see its own log (journalctl -u kchand)";
    case absl::StatusCode::kUnimplemented:
      // gRPC has no words for a call that the daemon does not know.
      if (!absl::EndsWith(status.message(), ": ")) return {};
      return "this kchand is older than this command: compare `kchan version`";
    case absl::StatusCode::kDataLoss:
      return "the daemon broke its protocol: please report this with the output of `kchan version`";
    default:
      return {};
  }
}

// gRPC wraps the reason of a failed connection in words that help nobody:
// "failed to connect to all addresses; last error: UNKNOWN: unix:/run/..".
std::string Message(const absl::Status& status) {
  constexpr std::string_view kWrapping = "failed to connect to all addresses; last error: ";
  std::string message(status.message());
  const size_t start = message.find(kWrapping);
  if (start == std::string::npos) return message;
  const size_t code = start + kWrapping.size();
  const size_t reason = message.find(": ", code);
  if (reason == std::string::npos) return message;
  return message.replace(start, reason + 2 - start, "cannot connect to ");
}

ExitCode Say(const absl::Status& status, const std::string& remedy) {
  const std::string message = Message(status);
  std::fprintf(stderr, "kchan: %s\n", message.c_str());
  if (!remedy.empty()) std::fprintf(stderr, "  what to do: %s\n", remedy.c_str());
  if (status.code() == absl::StatusCode::kUnavailable) return kUnavailable;
  return kError;
}

}  // namespace

ExitCode Explain(const absl::Status& status) { return Say(status, Remedy(status)); }

std::vector<std::string> Similar(std::string_view name, const std::vector<std::string>& names) {
  std::vector<std::pair<size_t, std::string>> ranked;
  for (const std::string& candidate : names) {
    size_t distance = EditDistance(name, candidate);
    if (absl::StrContains(candidate, std::string(name))) distance = 1;
    if (distance <= std::max<size_t>(1, name.size() / 2)) ranked.emplace_back(distance, candidate);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> similar;
  for (auto& [distance, candidate] : ranked) similar.push_back(std::move(candidate));
  if (similar.size() > 3) similar.resize(3);
  return similar;
}

ExitCode ExplainChannel(Client& client, const absl::Status& status, std::string_view channel) {
  if (status.code() != absl::StatusCode::kNotFound) return Explain(status);
  const auto channels = client.ListChannels();
  if (!channels.ok()) return Explain(status);
  if (channels->empty()) {
    return Say(status, "the node has no channels: is kchan.ko loaded? `kchan status` says more");
  }
  std::vector<std::string> names;
  for (const v1::Channel& one : *channels) names.push_back(one.name());
  const std::vector<std::string> similar = Similar(channel, names);
  if (similar.empty()) return Say(status, "`kchan list` shows the channels of this node");
  return Say(status, "did you mean " + absl::StrJoin(similar, " or ") + "? `kchan list` shows all");
}

}  // namespace kchan::cli
