// SPDX-License-Identifier: Apache-2.0
#include "bridge/spool/write_error.h"

#include <cerrno>
#include <cstring>

#include "bridge/text/concat.h"

namespace kchan::spool {

std::string ReasonOf(int error, const std::string& folder) {
  if (error == -EWOULDBLOCK) return text::Concat(folder, " is another kchand's");
  return text::Concat(folder, " cannot be written: ", std::strerror(-error));
}

std::string RemedyFor(int error, const std::string& directory) {
  switch (-error) {
    case ENOSPC:
    case EDQUOT:
      return "make room on that disk, or give the spool smaller bounds (spool.max_total_bytes, "
             "channels.spool.max_bytes); kchand goes on by itself then";
    case EROFS:
      return "mount the disk so that it can be written, or set spool.directory; kchand goes on by "
             "itself then";
    case EACCES:
    case EPERM:
      return text::Concat(
          "let kchand's user write to ", directory,
          " (and name it in ReadWritePaths of its unit); kchand goes on by itself then");
    case ENOENT:
    case ENOTDIR:
      return text::Concat("make the folder that ", directory,
                          " is in, or set spool.directory; kchand goes on by itself then");
    case EWOULDBLOCK:
      return "give each kchand a spool.directory of its own, or end the other one";
    default:
      return "look after the disk (the kernel log may say more); kchand keeps trying";
  }
}

const char* CauseOf(int error) {
  switch (-error) {
    case ENOSPC:
    case EDQUOT:
      return "the spool's disk was full";
    case EROFS:
      return "the spool's disk was read-only";
    default:
      return "the spool could not be written";
  }
}

}  // namespace kchan::spool
