// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_MAPPED_RING_H_
#define KCHAN_BRIDGE_SOURCE_MAPPED_RING_H_

#include <linux/kchan.h>

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"

namespace kchan::source {

// Where the parts of a ring lie in our memory. linux/kchan.h says what they
// mean. Nothing here owns anything.
struct RingMemory {
  kchan_consumer_page* consumer = nullptr;
  const kchan_producer_page* producer = nullptr;
  const kchan_info_page* info = nullptr;
  const std::byte* data = nullptr;  // mapped twice in a row, 8-aligned
  uint64_t data_bytes = 0;          // of one of the two mappings
};

// A ring that this process may read: the kernel's, or the user-space build of
// the ring core.
//
// Thread safety: any thread.
//
// Lifetime: the memory is mapped, and the ring has no other reader, until the
// destructor.
class MappedRing {
 public:
  MappedRing() = default;
  virtual ~MappedRing() = default;
  MappedRing(const MappedRing&) = delete;
  MappedRing& operator=(const MappedRing&) = delete;

  virtual const RingMemory& memory() const = 0;
  // KCHAN_IOC_COUNTERS.
  virtual absl::StatusOr<kchan_ring_counters> ReadCounters() const = 0;
  // To wait on: EPOLLIN, EPOLLPRI and EPOLLHUP as linux/kchan.h says.
  virtual int fd() const = 0;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_MAPPED_RING_H_
