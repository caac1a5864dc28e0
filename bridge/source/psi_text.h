// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_PSI_TEXT_H_
#define KCHAN_BRIDGE_SOURCE_PSI_TEXT_H_

#include <optional>
#include <string_view>
#include <vector>

#include "bridge/hub/value_feed.h"

namespace kchan::source {

// The words of a file of /proc/pressure:
//
//   some avg10=0.12 avg60=0.00 avg300=0.00 total=123
//   full avg10=0.00 avg60=0.00 avg300=0.00 total=45
//
// some_avg10 .. full_avg300 in hundredths of a percent, some_total_us and
// full_total_us. Nothing if it is none. Any bytes are safe.
std::optional<std::vector<hub::Word>> ParsePsi(std::string_view text);

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_PSI_TEXT_H_
