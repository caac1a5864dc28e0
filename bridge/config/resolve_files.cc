// SPDX-License-Identifier: Apache-2.0
#include "bridge/config/resolve_files.h"

#include <linux/kchan.h>

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "bridge/config/field.h"

namespace kchan::config {
namespace {

constexpr uint64_t kMaxBytes = 1ull << 40;

absl::Status ReadSync(const v1::FileWriting& from, source::FileWriting& to) {
  switch (from.sync()) {
    case v1::FILE_SYNC_UNSPECIFIED:
    case v1::FILE_SYNC_NONE:
      to.sync = source::FileSync::kNone;
      break;
    case v1::FILE_SYNC_BYTES:
      to.sync = source::FileSync::kBytes;
      to.sync_bytes = 1 << 20;
      return Number("file_writing.sync_bytes", from.has_sync_bytes(), from.sync_bytes(), 4096,
                    kMaxBytes, to.sync_bytes);
    case v1::FILE_SYNC_ALWAYS:
      to.sync = source::FileSync::kAlways;
      break;
    default:
      return Bad("file_writing.sync", "must be one of FILE_SYNC_NONE, _BYTES, _ALWAYS");
  }
  if (from.has_sync_bytes()) {
    return Bad("file_writing.sync_bytes", "is for sync: FILE_SYNC_BYTES only");
  }
  return absl::OkStatus();
}

absl::Status ReadWriting(const v1::FileWriting& from, source::FileWriting& to) {
  absl::Status status = Number("file_writing.rotate_bytes", from.has_rotate_bytes(),
                               from.rotate_bytes(), 64 << 10, kMaxBytes, to.rotate_bytes);
  to.max_bytes = std::max(to.max_bytes, to.rotate_bytes);
  status.Update(Number("file_writing.max_bytes", from.has_max_bytes(), from.max_bytes(),
                       KCHAN_FILE_MIN_BYTES, kMaxBytes, to.max_bytes));
  status.Update(ReadSync(from, to));
  if (status.ok() && to.max_bytes < to.rotate_bytes) {
    return Bad("file_writing.max_bytes",
               absl::StrCat(to.max_bytes, " is less than rotate_bytes (", to.rotate_bytes, ")"));
  }
  return status;
}

}  // namespace

absl::Status ResolveFiles(const v1::Config& from, source::LinkOptions& to) {
  if (from.has_file_directory()) {
    to.file_directory = from.file_directory();
    if (!to.file_directory.starts_with('/')) {
      return Bad("file_directory", "must be an absolute path");
    }
  }
  return ReadWriting(from.file_writing(), to.file_writing);
}

}  // namespace kchan::config
