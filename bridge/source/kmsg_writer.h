// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_KMSG_WRITER_H_
#define KCHAN_BRIDGE_SOURCE_KMSG_WRITER_H_

#include <cstddef>
#include <deque>
#include <mutex>
#include <span>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bridge/hub/kernel_door.h"

namespace kchan::source {

// The line that is written for `payload`, a KmsgLine and its text:
// "<14>kchand: TEXT\n". INVALID_ARGUMENT says what is wrong with it.
absl::StatusOr<std::string> KmsgLineOf(std::span<const std::byte> payload);

// Writes clients' lines into the kernel log.
//
// The kernel silently ignores what passes its rate limit (10 lines in 5 s by
// default) and still says that it was written. So the same limit is kept here,
// where it can be told.
//
// Thread safety: any thread.
class KmsgWriter {
 public:
  explicit KmsgWriter(std::string path) : path_(std::move(path)) {}

  // PERMISSION_DENIED, RESOURCE_EXHAUSTED (the rate limit), FAILED_PRECONDITION
  // (the kernel takes no lines from programs), NOT_FOUND (no such file).
  hub::KernelAnswer Write(const std::string& line);

 private:
  absl::Status TakeTurn();

  const std::string path_;
  std::mutex mutex_;
  std::deque<absl::Time> recent_;  // under mutex_: when the latest lines were written
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_KMSG_WRITER_H_
