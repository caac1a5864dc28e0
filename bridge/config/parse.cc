// SPDX-License-Identifier: Apache-2.0
#include "bridge/config/parse.h"

#include <string>

#include "absl/status/status.h"
#include "bridge/config/text_format.h"

namespace kchan::config {
namespace {

constexpr size_t kMaxFileBytes = 16 << 20;

}  // namespace

absl::StatusOr<v1::Config> ParseText(const std::string& text, const std::string& name,
                                     Places* places) {
  v1::Config config;
  absl::Status status = ParseTextInto(text, name, places, config);
  if (!status.ok()) return status;
  return config;
}

absl::StatusOr<v1::Config> ReadFile(const std::string& path, Places* places) {
  const auto text = ReadText(path, "configuration", kMaxFileBytes);
  if (!text.ok()) return text.status();
  return ParseText(*text, path, places);
}

}  // namespace kchan::config
