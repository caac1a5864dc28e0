// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_CONFIG_FIELD_H_
#define KCHAN_BRIDGE_CONFIG_FIELD_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

// What checking a field of the configuration needs.
namespace kchan::config {

inline absl::Status Bad(const std::string& field, const std::string& problem) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", problem));
}

// A number with its bounds; `value` keeps its default if the field is not set.
template <typename From, typename To>
absl::Status Number(const std::string& field, bool is_set, From from, uint64_t min, uint64_t max,
                    To& value) {
  if (!is_set) return absl::OkStatus();
  if (from < min || from > max) {
    return Bad(field, absl::StrCat(from, " is out of range: allowed are ", min, " to ", max));
  }
  value = static_cast<To>(from);
  return absl::OkStatus();
}

}  // namespace kchan::config

#endif  // KCHAN_BRIDGE_CONFIG_FIELD_H_
