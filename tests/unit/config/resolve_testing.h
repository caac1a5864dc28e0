// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_UNIT_CONFIG_RESOLVE_TESTING_H_
#define KCHAN_TESTS_UNIT_CONFIG_RESOLVE_TESTING_H_

#include <string>

#include "absl/status/statusor.h"
#include "bridge/config/parse.h"
#include "gtest/gtest.h"

namespace kchan::config::testing {

inline absl::StatusOr<Config> FromText(const std::string& text) {
  const auto config = ParseText(text, "test");
  if (!config.ok()) return config.status();
  return Resolve(*config);
}

// The field that the mistake in `text` is about.
inline std::string WrongField(const std::string& text) {
  const auto config = FromText(text);
  EXPECT_TRUE(absl::IsInvalidArgument(config.status())) << text;
  const std::string message(config.status().message());
  return message.substr(0, message.find(": "));
}

}  // namespace kchan::config::testing

#endif  // KCHAN_TESTS_UNIT_CONFIG_RESOLVE_TESTING_H_
