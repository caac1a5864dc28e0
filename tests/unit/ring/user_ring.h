// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_UNIT_RING_USER_RING_H_
#define KCHAN_TESTS_UNIT_RING_USER_RING_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "bridge/source/mapped_ring.h"

struct kchan_ring;

namespace kchan::testing {

// The user-space build of the ring core in memory of its own, with the same
// double mapping as the kernel's: what a writer needs. Readers come and go by
// Map(), as they do at the kernel's device.
//
// Thread safety: core() as kmod/ring.h says, one thread per CPU; the rest any.
//
// Lifetime: outlives what Map() returned.
class UserRing {
 public:
  struct Options {
    uint64_t data_bytes = 65536;  // a power of two, at least a page
    uint32_t cpu = 0;
    uint32_t max_payload_bytes = 65536;
    bool attach_memory = true;  // else a ring that loses until AttachMemory()
  };

  static std::unique_ptr<UserRing> Create();
  static std::unique_ptr<UserRing> Create(const Options& options);
  ~UserRing();
  UserRing(const UserRing&) = delete;
  UserRing& operator=(const UserRing&) = delete;

  kchan_ring* core();
  void AttachMemory();
  // A reader's view. The file is an eventfd that becomes readable when the
  // writer wakes (count: how often) and stays so until it is read: wait for it
  // with EPOLLET, or ClearWake().
  std::unique_ptr<source::MappedRing> Map();
  // Sleeps until the writer wakes or the time is over. True: woken.
  bool WaitForWake(int timeout_ms);
  void ClearWake();
  // DEAD, and the wake-up that goes with it.
  void MarkDead();

  // For attacks: every page, writable.
  kchan_consumer_page* consumer() { return memory_.consumer; }
  kchan_producer_page* producer() { return producer_; }
  kchan_info_page* info() { return info_; }
  std::byte* data() { return data_; }
  uint64_t data_bytes() const { return memory_.data_bytes; }
  kchan_ring_counters Counters() const;

 private:
  class View;
  struct Core;

  UserRing();
  void MapMemory(uint64_t data_bytes);

  const std::unique_ptr<Core> core_;
  source::RingMemory memory_;
  kchan_producer_page* producer_ = nullptr;
  kchan_info_page* info_ = nullptr;
  std::byte* data_ = nullptr;
  void* map_ = nullptr;
  size_t map_bytes_ = 0;
};

}  // namespace kchan::testing

#endif  // KCHAN_TESTS_UNIT_RING_USER_RING_H_
