// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/kernel_ring.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace kchan::source {
namespace {

std::string RingName(const std::string& path, const std::string& channel, uint32_t cpu) {
  return cpu == KCHAN_CPU_SHARED ? absl::StrCat("ring ", path, " ", channel, ", shared")
                                 : absl::StrCat("ring ", path, " ", channel, ", CPU ", cpu);
}

}  // namespace

absl::StatusOr<std::unique_ptr<KernelRing>> KernelRing::Open(const std::string& device_path,
                                                             std::string_view channel,
                                                             uint32_t cpu) {
  std::string name = RingName(device_path, std::string(channel), cpu);
  auto file = AttachedFile::Open(device_path, {.channel = channel, .cpu = cpu}, name);
  if (!file.ok()) return file.status();
  const uint64_t bytes = file->attach().data_bytes;
  if (bytes == 0 || bytes > KCHAN_MAX_RING_BYTES) {
    return absl::InternalError(absl::StrCat(name, ": the kernel says it has ", bytes, " bytes"));
  }
  std::unique_ptr<KernelRing> ring(new KernelRing(std::move(name), *std::move(file)));
  if (absl::Status status = ring->Map(); !status.ok()) return status;
  return ring;
}

KernelRing::~KernelRing() {
  if (kernel_map_ != nullptr) munmap(kernel_map_, 2 * page_bytes_ + 2 * memory_.data_bytes);
  if (consumer_map_ != nullptr) munmap(consumer_map_, page_bytes_);
}

absl::Status KernelRing::Map() {
  page_bytes_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const auto offset_of = [this](uint64_t page) { return static_cast<off_t>(page * page_bytes_); };

  void* consumer = mmap(nullptr, page_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd(),
                        offset_of(KCHAN_PAGE_CONSUMER));
  if (consumer == MAP_FAILED) {
    return absl::InternalError(
        absl::StrCat(name_, ": map the consumer page: ", std::strerror(errno)));
  }
  consumer_map_ = consumer;

  void* kernel = mmap(nullptr, 2 * page_bytes_ + 2 * memory_.data_bytes, PROT_READ, MAP_SHARED,
                      fd(), offset_of(KCHAN_PAGE_PRODUCER));
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
  if (ioctl(fd(), KCHAN_IOC_COUNTERS, &counters) != 0) {
    return absl::InternalError(absl::StrCat(name_, ": read counters: ", std::strerror(errno)));
  }
  return counters;
}

}  // namespace kchan::source
