// SPDX-License-Identifier: Apache-2.0
#include "bridge/config/resolve_spool.h"

#include <chrono>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "bridge/config/field.h"

namespace kchan::config {
namespace {

constexpr uint64_t kMinBytes = 1 << 20;
constexpr uint64_t kMaxBytes = 1ull << 50;
constexpr uint64_t kMaxReadBytes = 4ull << 30;
constexpr uint64_t kMaxAgeSeconds = 10ull * 366 * 24 * 3600;

absl::Status CheckRulesHaveDirectory(const v1::Config& from) {
  for (int i = 0; i < from.channels_size(); ++i) {
    if (!from.channels(i).has_spool()) continue;
    return Bad(absl::StrCat("channels[", i, "].spool"),
               "needs a place: spool { directory: \"/var/lib/kchand/spool\" }");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ResolveSpool(const v1::Config& from, Config& to) {
  if (!from.has_spool()) return CheckRulesHaveDirectory(from);
  Spool spool{.directory = from.spool().directory()};
  while (spool.directory.size() > 1 && spool.directory.back() == '/') spool.directory.pop_back();
  if (spool.directory.size() < 2 || spool.directory.front() != '/') {
    return Bad("spool.directory", "must be an absolute path, as /var/lib/kchand/spool");
  }
  absl::Status status =
      Number("spool.max_total_bytes", from.spool().has_max_total_bytes(),
             from.spool().max_total_bytes(), kMinBytes, kMaxBytes, spool.max_total_bytes);
  status.Update(Number("spool.max_read_bytes", from.spool().has_max_read_bytes(),
                       from.spool().max_read_bytes(), kMinBytes, kMaxReadBytes,
                       spool.max_read_bytes));
  to.spool = spool;
  return status;
}

absl::Status ResolveChannelSpool(const std::string& field, const v1::ChannelSpool& from,
                                 spool::SpoolLimits& to) {
  uint64_t age_seconds = 0;
  absl::Status status = Number(field + ".max_bytes", from.has_max_bytes(), from.max_bytes(),
                               kMinBytes, kMaxBytes, to.max_bytes);
  status.Update(Number(field + ".max_age_seconds", from.has_max_age_seconds(),
                       from.max_age_seconds(), 0, kMaxAgeSeconds, age_seconds));
  to.max_age = std::chrono::seconds(age_seconds);
  switch (from.fsync()) {
    case v1::FSYNC_NEVER:
      to.fsync = spool::Fsync::kNever;
      return status;
    case v1::FSYNC_UNSPECIFIED:
    case v1::FSYNC_INTERVAL:
      to.fsync = spool::Fsync::kInterval;
      return status;
    case v1::FSYNC_EACH:
      to.fsync = spool::Fsync::kEach;
      return status;
    default:
      return Bad(field + ".fsync", "must be FSYNC_NEVER, FSYNC_INTERVAL or FSYNC_EACH");
  }
}

}  // namespace kchan::config
