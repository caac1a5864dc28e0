// SPDX-License-Identifier: Apache-2.0
#include "filter_error.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "kchan/error.h"
#include "output.h"

namespace kchan::cli {
namespace {

// Takes "column 7: " off the front; 0: it is not there.
size_t TakeColumn(std::string_view* description) {
  constexpr std::string_view kColumn = "column ";
  if (description->substr(0, kColumn.size()) != kColumn) return 0;
  const size_t colon = description->find(": ");
  if (colon == std::string_view::npos) return 0;
  const std::string digits(description->substr(kColumn.size(), colon - kColumn.size()));
  description->remove_prefix(colon + 2);
  return std::strtoul(digits.c_str(), nullptr, 10);
}

}  // namespace

bool ExplainFilter(const absl::Status& status, const std::string& filter) {
  for (const FieldViolation& violation : FieldViolations(status)) {
    if (violation.field != "open.filter") continue;
    std::string_view description = violation.description;
    const size_t column = TakeColumn(&description);
    std::fprintf(stderr, "kchan: --filter: %s\n", Safe(description).c_str());
    // A place beyond the filter is none that it has.
    if (column > 0 && column <= filter.size() + 1) {
      std::fprintf(stderr, "  %s\n  %*s\n", Safe(filter).c_str(), static_cast<int>(column), "^");
    }
    std::fputs(
        "  what to do: `kchan describe CHANNEL` shows the fields, docs/filters.md the language\n",
        stderr);
    return true;
  }
  return false;
}

bool ExplainFields(const absl::Status& status) {
  for (const FieldViolation& violation : FieldViolations(status)) {
    if (!violation.field.starts_with("open.fields[")) continue;
    std::fprintf(stderr,
                 "kchan: --fields: %s\n"
                 "  what to do: `kchan describe CHANNEL` shows the fields\n",
                 Safe(violation.description).c_str());
    return true;
  }
  return false;
}

}  // namespace kchan::cli
