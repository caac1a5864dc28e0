// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_KERNEL_RING_H_
#define KCHAN_BRIDGE_SOURCE_KERNEL_RING_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "bridge/source/attached_file.h"
#include "bridge/source/mapped_ring.h"

namespace kchan::source {

// One ring of one channel of the kernel, attached and mapped through the
// device. Attaching enables the channel's source; the destructor detaches.
class KernelRing final : public MappedRing {
 public:
  // `cpu` is KCHAN_CPU_SHARED for the ring of a shared channel.
  //
  // Errors as AttachedFile::Open().
  static absl::StatusOr<std::unique_ptr<KernelRing>> Open(const std::string& device_path,
                                                          std::string_view channel, uint32_t cpu);
  ~KernelRing() override;

  const RingMemory& memory() const override { return memory_; }
  absl::StatusOr<kchan_ring_counters> ReadCounters() const override;
  int fd() const override { return file_.fd(); }

 private:
  KernelRing(std::string name, AttachedFile file) : name_(std::move(name)), file_(std::move(file)) {
    memory_.data_bytes = file_.attach().data_bytes;
  }
  absl::Status Map();

  const std::string name_;  // in messages: "ring /dev/kchan exec, CPU 3"
  const AttachedFile file_;
  RingMemory memory_;
  void* consumer_map_ = nullptr;
  void* kernel_map_ = nullptr;  // producer, info and data pages
  size_t page_bytes_ = 0;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_KERNEL_RING_H_
