// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_VALUE_PATH_H_
#define KCHAN_BRIDGE_SOURCE_VALUE_PATH_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/source/unique_fd.h"

// Files of sysfs and procfs that hold a value.
namespace kchan::source {

inline constexpr size_t kMaxValueBytes = 64 << 10;

// "sysfs" or "procfs", by where `path` is. INVALID_ARGUMENT says why there can
// be no such value: it does not begin with /sys/ or /proc/, has a part ".." or
// is one that reading takes something away from.
absl::StatusOr<std::string> ValueTransport(const std::string& path);

// Opens a regular file of sysfs or procfs. `access` is O_RDONLY, O_WRONLY or
// O_RDWR. Symbolic links are followed as long as they stay below /sys or /proc,
// since that is how sysfs names things; the links of /proc/PID/fd and the like
// lead out and are refused, as is a file of another file system.
absl::StatusOr<UniqueFd> OpenValueFile(const std::string& path, int access);

// All of the file, from its start, as valid UTF-8 and without the newline at
// its end. OUT_OF_RANGE: longer than kMaxValueBytes.
absl::StatusOr<std::string> ReadValueFile(int fd, const std::string& path);

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_VALUE_PATH_H_
