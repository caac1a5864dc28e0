// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/spec/suggest.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "bridge/text/concat.h"

namespace kchan::netlink {
namespace {

constexpr size_t kMaxNameBytes = 64;  // longer ones are like no other
constexpr size_t kMaxNames = 24;

// How many letters must be put in, taken out or changed.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = diagonal + (a[i - 1] != b[j - 1] ? 1 : 0);
      diagonal = row[j];
      row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string Suggest(std::string_view wrong, const std::vector<std::string_view>& names) {
  std::string_view best;
  size_t best_distance = wrong.size() / 3 + 2;
  for (const std::string_view name : names) {
    if (wrong.size() > kMaxNameBytes || name.size() > kMaxNameBytes) continue;
    const size_t distance = EditDistance(wrong, name);
    if (distance >= best_distance) continue;
    best = name;
    best_distance = distance;
  }
  if (!best.empty()) return text::Concat("did you mean ", best, "?");
  if (names.empty()) return "there are none";
  std::string known = "there are ";
  for (size_t i = 0; i < std::min(names.size(), kMaxNames); ++i) {
    known += text::Concat(i == 0 ? "" : ", ", names[i]);
  }
  return known + (names.size() > kMaxNames ? " and more" : "");
}

}  // namespace kchan::netlink
