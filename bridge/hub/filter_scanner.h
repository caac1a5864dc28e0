// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_FILTER_SCANNER_H_
#define KCHAN_BRIDGE_HUB_FILTER_SCANNER_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "bridge/hub/filter_syntax.h"

namespace kchan::hub {

// Takes a filter's text apart, piece by piece. What a piece may be depends on
// what comes before it: a value, unlike a path, may hold `/`, `:` and `|`, so
// that addresses and flags need no quotes.
//
// Thread safety: none. Lifetime: the text outlives it.
class FilterScanner {
 public:
  explicit FilterScanner(std::string_view text) : text_(text) {}

  bool AtEnd();
  // Each takes it if it comes next.
  bool Take(char c);
  bool TakeKeyword(std::string_view keyword);
  std::optional<FilterOperator> TakeOperator();
  // A path's text, with its dots; empty if none comes next.
  std::string_view TakePath();
  // Whether a comparison, a negation or a parenthesis begins here.
  bool AtCondition();

  absl::StatusOr<FilterValue> TakeValue(FilterOperator op);

  // Of what comes next.
  size_t Column();
  // INVALID_ARGUMENT: "expected <what>, found <what comes next>".
  absl::Status Expected(std::string_view what);

 private:
  void SkipSpace();
  std::string_view PeekWord();
  std::string Next();
  size_t ColumnAt(size_t at) const;
  absl::Status TakeQuoted(FilterValue& value);
  absl::Status TakeUnquoted(FilterOperator op, FilterValue& value);
  absl::StatusOr<char> TakeEscaped();
  absl::Status AddStar(size_t at, bool is_last, FilterValue& value);

  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_FILTER_SCANNER_H_
