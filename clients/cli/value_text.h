// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_VALUE_TEXT_H_
#define KCHAN_CLIENTS_CLI_VALUE_TEXT_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "kchan/v1/schema.pb.h"
#include "kchan/v1/value.pb.h"

namespace kchan::cli {

// What the schema says about a word; null if it does not name it.
const v1::Field* FindField(const v1::Schema& schema, std::string_view word);

// "5", "on" where the schema has a name for it, text with its control
// characters replaced. `field` may be null.
std::string ValueText(const v1::Value& value, const v1::Field* field);

// "high=5 low=-5".
std::string WordsText(const v1::Values& values, const v1::Schema& schema);

// What is typed for a word that now holds `now`: a number, in decimal or 0x.., or
// one of the schema's names for it; text for a word of text. INVALID_ARGUMENT
// says what would do.
absl::StatusOr<v1::Value> ParseValue(const std::string& text, const v1::Value& now,
                                     const v1::Field* field);

// {"channel":"limits","version":3,"generation":"1","boottime_ns":..,"values":
// {"high":5}}; numbers beyond 2^53 are strings, as everywhere. An update also
// has "duplicates", "heartbeat" and "stale".
std::string ValuesJson(std::string_view channel, const v1::Values& values);
std::string UpdateJson(const v1::WatchValuesResponse::Update& update);

}  // namespace kchan::cli

#endif  // KCHAN_CLIENTS_CLI_VALUE_TEXT_H_
