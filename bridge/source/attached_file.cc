// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/attached_file.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace kchan::source {
namespace {

absl::Status OpenError(const std::string& path, int error) {
  const std::string what = absl::StrCat("open ", path, ": ", std::strerror(error));
  switch (error) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return absl::NotFoundError(absl::StrCat(what, ": load the module (modprobe kchan)"));
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(
          absl::StrCat(what, ": run as a member of the group kchan, or check the device cgroup"));
    case EMFILE:
    case ENFILE:
      return absl::ResourceExhaustedError(absl::StrCat(what, ": raise the limit of open files"));
    default:
      return absl::InternalError(what);
  }
}

absl::Status AttachError(const std::string& what, const kchan_attach& attach, int error) {
  switch (error) {
    case EPROTONOSUPPORT:
      return absl::FailedPreconditionError(absl::StrCat(
          what, ": ABI ", attach.abi_major, ".", attach.abi_minor, ", this program speaks ",
          KCHAN_ABI_MAJOR, ".x: install the matching kchan module"));
    case EBUSY:
      return absl::AlreadyExistsError(
          absl::StrCat(what, ": it has a reader already: stop that one, or read through it"));
    case ENOENT:
      return absl::NotFoundError(
          absl::StrCat(what, ": no such channel: load the module that provides it"));
    case EOPNOTSUPP:
      return absl::UnimplementedError(
          absl::StrCat(what, ": the channel cannot be attached to so: use its own transport"));
    case ENXIO:
      return absl::OutOfRangeError(absl::StrCat(
          what,
          ": no such ring: the CPU does not exist or has not been online, or the channel's "
          "layout (shared, per CPU) is the other one"));
    case E2BIG:
      return absl::ResourceExhaustedError(
          absl::StrCat(what,
                       ": one smallest ring for each possible CPU exceeds the channel's "
                       "budget: raise the budget, or let the channel be shared"));
    case ENOMEM:
      return absl::ResourceExhaustedError(
          absl::StrCat(what, ": the kernel has no memory for it: lower the channel's budget"));
    case ESHUTDOWN:
      return absl::UnavailableError(
          absl::StrCat(what,
                       ": the module is quiesced or the channel is going away: wait for it "
                       "to be announced again"));
    default:
      return absl::InternalError(absl::StrCat(what, ": attach: ", std::strerror(error)));
  }
}

}  // namespace

absl::StatusOr<AttachedFile> AttachedFile::Open(const std::string& device_path,
                                                const AttachWish& wish, const std::string& what) {
  kchan_attach attach = {};
  if (wish.channel.size() >= sizeof(attach.channel)) {
    return absl::NotFoundError(absl::StrCat(what, ": no channel has so long a name"));
  }
  const int flags = (wish.write_only ? O_WRONLY : O_RDWR) | (wish.non_blocking ? O_NONBLOCK : 0);
  UniqueFd fd(open(device_path.c_str(), flags | O_CLOEXEC));
  if (!fd) return OpenError(device_path, errno);
  attach.abi_major = KCHAN_ABI_MAJOR;
  attach.abi_minor = KCHAN_ABI_MINOR;
  attach.cpu = wish.cpu;
  attach.role = wish.role;
  attach.data_bytes = wish.data_bytes;
  std::copy(wish.channel.begin(), wish.channel.end(), attach.channel);
  if (ioctl(fd.get(), KCHAN_IOC_ATTACH, &attach) != 0) return AttachError(what, attach, errno);
  return AttachedFile(std::move(fd), attach);
}

}  // namespace kchan::source
