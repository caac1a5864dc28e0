// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/cpus.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "bridge/text/concat.h"

namespace kchan::hub {
namespace {

// The number that `text` is, or nothing.
std::optional<int> NumberOf(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (number < 0 || number >= CPU_SETSIZE) return std::nullopt;
  return number;
}

}  // namespace

Cpus Cpus::Allowed() {
  Cpus cpus;
  sched_getaffinity(0, sizeof(cpus.set_), &cpus.set_);
  return cpus;
}

absl::StatusOr<Cpus> Cpus::Parse(std::string_view text) {
  const Cpus allowed = Allowed();
  Cpus cpus;
  for (std::string_view rest = text; !rest.empty() || cpus.count() == 0;) {
    const std::string_view range = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), range.size() + 1));
    const size_t dash = range.find('-');
    const std::optional<int> first = NumberOf(range.substr(0, dash));
    const std::optional<int> last =
        dash == std::string_view::npos ? first : NumberOf(range.substr(dash + 1));
    if (!first || !last || *last < *first) {
      return absl::InvalidArgumentError(
          text::Concat("'", text, "' is no list of CPUs: write numbers and ranges, as 0-3,8"));
    }
    for (int cpu = *first; cpu <= *last; ++cpu) {
      if (!CPU_ISSET(cpu, &allowed.set_)) {
        return absl::InvalidArgumentError(
            text::Concat("CPU ", cpu, " does not exist here, or kchand may not run on it"));
      }
      CPU_SET(cpu, &cpus.set_);
    }
  }
  return cpus;
}

}  // namespace kchan::hub
