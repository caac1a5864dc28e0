// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_ATTACHED_FILE_H_
#define KCHAN_BRIDGE_SOURCE_ATTACHED_FILE_H_

#include <linux/kchan.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "bridge/source/unique_fd.h"

namespace kchan::source {

inline constexpr char kDevicePath[] = "/dev/kchan";

// What a file of the device is to become.
struct AttachWish {
  std::string_view channel;
  uint32_t cpu = KCHAN_CPU_SHARED;  // of a per-CPU ring
  uint32_t role = KCHAN_ROLE_READER;
  uint64_t data_bytes = 0;    // of a writer's area; 0: as the kernel likes
  bool non_blocking = false;  // reads and writes
  bool write_only = false;    // CHARDEV: leaves the source alone
};

// A file of the device that is bound to a channel. As a reader's it enables the
// channel's source, until it is closed.
class AttachedFile {
 public:
  // Errors, each with what to do next; `what` begins them:
  //   NOT_FOUND            no device (is the module loaded?), or no such channel
  //   PERMISSION_DENIED    the device may not be opened
  //   FAILED_PRECONDITION  the module speaks another ABI major
  //   UNIMPLEMENTED        the channel is not reached so, or not in this role
  //   ALREADY_EXISTS       it has a reader
  //   OUT_OF_RANGE         no such CPU, or it has no ring; shared and per-CPU mixed up
  //   RESOURCE_EXHAUSTED   the channel's budget or the memory does not suffice
  //   UNAVAILABLE          the module is quiesced or the channel is going away
  //   INTERNAL             anything else
  static absl::StatusOr<AttachedFile> Open(const std::string& device_path, const AttachWish& wish,
                                           const std::string& what);

  int fd() const { return fd_.get(); }
  // Leaves this without one.
  UniqueFd TakeFd() { return std::move(fd_); }
  // As the kernel filled it in.
  const kchan_attach& attach() const { return attach_; }

 private:
  AttachedFile(UniqueFd fd, const kchan_attach& attach) : fd_(std::move(fd)), attach_(attach) {}

  UniqueFd fd_;
  kchan_attach attach_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_ATTACHED_FILE_H_
