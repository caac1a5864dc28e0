// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_FILTER_SYNTAX_H_
#define KCHAN_BRIDGE_HUB_FILTER_SYNTAX_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// The text of a filter and what it says, before any schema is looked at. The
// language is AIP-160's, as far as kchan.v1.SubscribeRequest.Open.filter says.
namespace kchan::hub {

// Bounds of what a client may ask every record to be held against.
inline constexpr size_t kMaxFilterBytes = 4096;
inline constexpr size_t kMaxFilterTerms = 64;
inline constexpr size_t kMaxFilterDepth = 32;

enum class FilterOperator : uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kAtMost,
  kGreater,
  kAtLeast,
  kHas,
};
// As it is written: "<=".
std::string_view OperatorText(FilterOperator op);

// The right side of a comparison.
struct FilterValue {
  std::string text;         // without quotes, escapes and the stars at its ends
  bool open_start = false;  // a `*` in front of it
  bool open_end = false;    // and behind
  std::string source;       // as it was written, for messages; not too long
  size_t column = 0;        // in characters, from 1

  // A `*` and nothing else.
  bool is_star() const { return text.empty() && (open_start || open_end); }
};

// One comparison: `path op value`.
struct FilterTerm {
  std::vector<std::string> path;
  FilterOperator op = FilterOperator::kEqual;
  FilterValue value;
  size_t column = 0;  // of the path
};

struct FilterNode {
  enum class Kind : uint8_t { kAnd, kOr, kNot, kTerm };

  Kind kind = Kind::kTerm;
  std::vector<FilterNode> parts = {};  // two or more; of kNot one, of kTerm none
  size_t term = 0;                     // of kTerm: an index into FilterSyntax.terms
};

struct FilterSyntax {
  std::vector<FilterTerm> terms;
  FilterNode root;
};

// INVALID_ARGUMENT: "column 7: expected .., found ..", or a bound is exceeded.
absl::StatusOr<FilterSyntax> ParseFilter(std::string_view text);

// "pid" or "peers.port".
std::string PathText(const FilterTerm& term);

// INVALID_ARGUMENT about one place in a filter.
absl::Status FilterError(size_t column, std::string_view problem);

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_FILTER_SYNTAX_H_
