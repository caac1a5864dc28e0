// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/kernel_ring.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

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

absl::Status AttachError(const std::string& name, const kchan_attach& attach, int error) {
  switch (error) {
    case EPROTONOSUPPORT:
      return absl::FailedPreconditionError(absl::StrCat(
          name, ": ABI ", attach.abi_major, ".", attach.abi_minor, ", this program speaks ",
          KCHAN_ABI_MAJOR, ".x: install the matching kchan module"));
    case EBUSY:
      return absl::AlreadyExistsError(
          absl::StrCat(name, ": it has a reader already: stop that one, or read through it"));
    case ENOENT:
      return absl::NotFoundError(
          absl::StrCat(name, ": no such channel: load the module that provides it"));
    case EOPNOTSUPP:
      return absl::UnimplementedError(
          absl::StrCat(name, ": the channel has no ring to read: use its own transport"));
    case ENXIO:
      return absl::OutOfRangeError(absl::StrCat(
          name,
          ": no such ring: the CPU does not exist or has not been online, or the channel's "
          "layout (shared, per CPU) is the other one"));
    case E2BIG:
      return absl::ResourceExhaustedError(
          absl::StrCat(name,
                       ": one smallest ring for each possible CPU exceeds the channel's "
                       "budget: raise the budget, or let the channel be shared"));
    case ENOMEM:
      return absl::ResourceExhaustedError(
          absl::StrCat(name, ": the kernel has no memory for it: lower the channel's budget"));
    case ESHUTDOWN:
      return absl::UnavailableError(
          absl::StrCat(name,
                       ": the module is quiesced or the channel is going away: wait for it "
                       "to be announced again"));
    default:
      return absl::InternalError(absl::StrCat(name, ": attach: ", std::strerror(error)));
  }
}

std::string RingName(const std::string& path, const std::string& channel, uint32_t cpu) {
  return cpu == KCHAN_CPU_SHARED ? absl::StrCat("ring ", path, " ", channel, ", shared")
                                 : absl::StrCat("ring ", path, " ", channel, ", CPU ", cpu);
}

}  // namespace

absl::StatusOr<std::unique_ptr<KernelRing>> KernelRing::Open(const std::string& device_path,
                                                             std::string_view channel,
                                                             uint32_t cpu) {
  const int fd = open(device_path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return OpenError(device_path, errno);
  std::unique_ptr<KernelRing> ring(
      new KernelRing(RingName(device_path, std::string(channel), cpu), fd));
  if (absl::Status status = ring->Attach(channel, cpu); !status.ok()) return status;
  if (absl::Status status = ring->Map(); !status.ok()) return status;
  return ring;
}

KernelRing::~KernelRing() {
  if (kernel_map_ != nullptr) munmap(kernel_map_, 2 * page_bytes_ + 2 * memory_.data_bytes);
  if (consumer_map_ != nullptr) munmap(consumer_map_, page_bytes_);
  close(fd_);
}

absl::Status KernelRing::Attach(std::string_view channel, uint32_t cpu) {
  kchan_attach attach = {};
  if (channel.size() >= sizeof(attach.channel)) {
    return absl::NotFoundError(absl::StrCat(name_, ": no channel has so long a name"));
  }
  attach.abi_major = KCHAN_ABI_MAJOR;
  attach.abi_minor = KCHAN_ABI_MINOR;
  attach.cpu = cpu;
  std::copy(channel.begin(), channel.end(), attach.channel);
  if (ioctl(fd_, KCHAN_IOC_ATTACH, &attach) != 0) return AttachError(name_, attach, errno);
  if (attach.data_bytes == 0 || attach.data_bytes > KCHAN_MAX_RING_BYTES) {
    return absl::InternalError(
        absl::StrCat(name_, ": the kernel says it has ", attach.data_bytes, " bytes"));
  }
  memory_.data_bytes = attach.data_bytes;
  return absl::OkStatus();
}

absl::Status KernelRing::Map() {
  page_bytes_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const auto offset_of = [this](uint64_t page) { return static_cast<off_t>(page * page_bytes_); };

  void* consumer = mmap(nullptr, page_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_,
                        offset_of(KCHAN_PAGE_CONSUMER));
  if (consumer == MAP_FAILED) {
    return absl::InternalError(
        absl::StrCat(name_, ": map the consumer page: ", std::strerror(errno)));
  }
  consumer_map_ = consumer;

  void* kernel = mmap(nullptr, 2 * page_bytes_ + 2 * memory_.data_bytes, PROT_READ, MAP_SHARED, fd_,
                      offset_of(KCHAN_PAGE_PRODUCER));
  if (kernel == MAP_FAILED) {
    return absl::InternalError(absl::StrCat(name_, ": map the data: ", std::strerror(errno)));
  }
  kernel_map_ = kernel;

  const auto* pages = static_cast<const std::byte*>(kernel);
  memory_.consumer = static_cast<kchan_consumer_page*>(consumer);
  memory_.producer = reinterpret_cast<const kchan_producer_page*>(pages);
  memory_.info = reinterpret_cast<const kchan_info_page*>(pages + page_bytes_);
  memory_.data = pages + 2 * page_bytes_;
  return absl::OkStatus();
}

absl::StatusOr<kchan_ring_counters> KernelRing::ReadCounters() const {
  kchan_ring_counters counters = {};
  if (ioctl(fd_, KCHAN_IOC_COUNTERS, &counters) != 0) {
    return absl::InternalError(absl::StrCat(name_, ": read counters: ", std::strerror(errno)));
  }
  return counters;
}

}  // namespace kchan::source
