// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_KERNEL_RING_H_
#define KCHAN_BRIDGE_SOURCE_KERNEL_RING_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "bridge/source/mapped_ring.h"

namespace kchan::source {

inline constexpr char kDevicePath[] = "/dev/kchan";

// One ring of one channel of the kernel, attached and mapped through the
// device. Attaching enables the channel's source; the destructor detaches.
class KernelRing final : public MappedRing {
 public:
  // `cpu` is KCHAN_CPU_SHARED for the ring of a shared channel.
  //
  // Errors, each with what to do next:
  //   NOT_FOUND            no device (is the module loaded?), or no such channel
  //   PERMISSION_DENIED    the device may not be opened
  //   FAILED_PRECONDITION  the module speaks another ABI major
  //   UNIMPLEMENTED        the channel has no ring to read
  //   ALREADY_EXISTS       the ring has a reader
  //   OUT_OF_RANGE         no such CPU, or it has no ring; shared and per-CPU mixed up
  //   RESOURCE_EXHAUSTED   the channel's budget or the memory does not suffice
  //   UNAVAILABLE          the module is quiesced or the channel is going away
  //   INTERNAL             anything else
  static absl::StatusOr<std::unique_ptr<KernelRing>> Open(const std::string& device_path,
                                                          std::string_view channel, uint32_t cpu);
  ~KernelRing() override;

  const RingMemory& memory() const override { return memory_; }
  absl::StatusOr<kchan_ring_counters> ReadCounters() const override;
  int fd() const override { return fd_; }

 private:
  KernelRing(std::string name, int fd) : name_(std::move(name)), fd_(fd) {}
  absl::Status Attach(std::string_view channel, uint32_t cpu);
  absl::Status Map();

  const std::string name_;  // in messages: "ring /dev/kchan exec, CPU 3"
  const int fd_;
  RingMemory memory_;
  void* consumer_map_ = nullptr;
  void* kernel_map_ = nullptr;  // producer, info and data pages
  size_t page_bytes_ = 0;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_KERNEL_RING_H_
