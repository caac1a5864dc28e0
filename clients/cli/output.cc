// SPDX-License-Identifier: Apache-2.0
#include "output.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace kchan::cli {

bool Print(std::string_view text) {
  static bool broken = false;
  while (!broken && !text.empty()) {
    const ssize_t written = write(STDOUT_FILENO, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(written);
    } else if (errno != EINTR) {
      broken = true;
      if (errno != EPIPE) std::fprintf(stderr, "kchan: standard output: %s\n", strerror(errno));
    }
  }
  return !broken;
}

const Palette& Colours() {
  static const Palette kNone;
  static const Palette kAnsi{.dim = "\x1b[2m",
                             .channel = "\x1b[36m",
                             .name = "\x1b[32m",
                             .lost = "\x1b[1;31m",
                             .good = "\x1b[32m",
                             .bad = "\x1b[1;31m",
                             .reset = "\x1b[0m"};
  static const bool coloured = [] {
    const char* terminal = std::getenv("TERM");
    const char* no_color = std::getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) == 1 && terminal != nullptr &&
           std::string_view(terminal) != "dumb" && (no_color == nullptr || *no_color == '\0');
  }();
  return coloured ? kAnsi : kNone;
}

std::string Table::ToString() const {
  std::vector<size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - row[i].size() + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string Safe(std::string_view text) {
  std::string safe(text);
  for (char& c : safe) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = '?';
  }
  return safe;
}

std::string InOneLine(const std::string& text) {
  const std::vector<std::string> words =
      absl::StrSplit(text, absl::ByAnyChar(" \n\t"), absl::SkipEmpty());
  return Safe(absl::StrJoin(words, " "));
}

std::string OrDash(std::string_view text) { return text.empty() ? "-" : Safe(text); }

std::string BytesText(uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  auto value = static_cast<double>(bytes);
  while (value >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  const bool whole = value == static_cast<double>(static_cast<uint64_t>(value));
  return absl::StrFormat(whole ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
}

bool HasRecords(const v1::Channel& channel) {
  return channel.volume() != "value" && channel.volume() != "bulk";
}

std::string EnumText(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return "unknown";
  std::string text = absl::AsciiStrToLower(std::string(name.substr(prefix.size())));
  std::replace(text.begin(), text.end(), '_', ' ');
  return text == "unspecified" ? "unknown" : text;
}

std::string StateText(v1::ChannelState state) {
  return EnumText(v1::ChannelState_Name(state), "CHANNEL_STATE_");
}

std::string DirectionText(v1::Direction direction) {
  switch (direction) {
    case v1::DIRECTION_TO_USER:
      return "kernel -> user";
    case v1::DIRECTION_TO_KERNEL:
      return "user -> kernel";
    case v1::DIRECTION_BOTH:
      return "both ways";
    default:
      return "unknown";
  }
}

}  // namespace kchan::cli
