// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "absl/status/status.h"
#include "bridge/hub/subscription.h"
#include "bridge/text/concat.h"

namespace kchan::hub {
namespace {

// Longer than any channel's name, and a bound for the matching's time.
constexpr size_t kMaxGlobBytes = 256;

// A set at the start of `glob`, without its brackets; nothing if it does not
// end. The first character is always a member, so `[]]` is a set of one.
std::optional<std::string_view> SetAt(std::string_view glob) {
  const size_t end = glob.find(']', 2);
  if (end == std::string_view::npos) return std::nullopt;
  return glob.substr(1, end - 1);
}

bool IsRangeAt(std::string_view set, size_t i) { return i + 2 < set.size() && set[i + 1] == '-'; }

bool SetContains(std::string_view set, char c) {
  for (size_t i = 0; i < set.size(); i += IsRangeAt(set, i) ? 3 : 1) {
    const char last = IsRangeAt(set, i) ? set[i + 2] : set[i];
    if (set[i] <= c && c <= last) return true;
  }
  return false;
}

// The bytes of the one-character pattern at the start of `glob` if `c` matches
// it, otherwise 0.
size_t MatchOne(std::string_view glob, char c) {
  if (glob.empty()) return 0;
  if (glob[0] != '[' && glob[0] != '?') return glob[0] == c ? 1 : 0;
  if (c == '/') return 0;
  if (glob[0] == '?') return 1;
  const std::optional<std::string_view> set = SetAt(glob);
  return set && SetContains(*set, c) ? set->size() + 2 : 0;
}

}  // namespace

// Greedy, and back to the last `*` only: an earlier one has nothing to add. So
// the time is bounded by the product of the lengths.
bool GlobMatches(std::string_view glob, std::string_view name) {
  size_t g = 0;
  size_t n = 0;
  std::optional<size_t> star;  // behind the last `*`
  size_t star_name = 0;        // what it has swallowed up to
  while (n < name.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = ++g;
      star_name = n;
    } else if (const size_t matched = MatchOne(glob.substr(g), name[n])) {
      g += matched;
      ++n;
    } else if (star && name[star_name] != '/') {
      g = *star;
      n = ++star_name;
    } else {
      return false;
    }
  }
  return glob.find_first_not_of('*', g) == std::string_view::npos;
}

bool GlobIsLiteral(std::string_view glob) {
  return glob.find_first_of("*?[") == std::string_view::npos;
}

absl::Status CheckGlob(std::string_view glob) {
  const auto wrong = [&](std::string_view what) {
    return absl::InvalidArgumentError(text::Concat("\"", glob, "\": ", what));
  };
  if (glob.empty()) return wrong("empty; `*` matches every channel without a `/` in its name");
  if (glob.size() > kMaxGlobBytes) {
    return absl::InvalidArgumentError(text::Concat("longer than ", kMaxGlobBytes, " bytes"));
  }
  for (size_t g = 0; g < glob.size(); ++g) {
    if (glob[g] != '[') continue;
    const std::optional<std::string_view> set = SetAt(glob.substr(g));
    if (!set) return wrong("`[` without its `]`");
    if (set->front() == '!' || set->front() == '^') return wrong("a set cannot be negated");
    for (size_t i = 0; i < set->size(); i += IsRangeAt(*set, i) ? 3 : 1) {
      if (IsRangeAt(*set, i) && (*set)[i] > (*set)[i + 2]) return wrong("a range runs backwards");
    }
    g += set->size() + 1;
  }
  return absl::OkStatus();
}

}  // namespace kchan::hub
