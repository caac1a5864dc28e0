// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_UEVENT_SOURCE_H_
#define KCHAN_BRIDGE_SOURCE_UEVENT_SOURCE_H_

#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/statusor.h"
#include "bridge/source/multicast_source.h"

namespace kchan::source {

inline constexpr uint32_t kUeventRecordType = 1;

struct UeventPayload {
  uint64_t seqnum;
  uint32_t action;  // STRING_LOC, like those below
  uint32_t devpath;
  uint32_t subsystem;
  uint32_t properties;
};
static_assert(sizeof(UeventPayload) == 24);

// Reads kobject uevents from the kernel's multicast.
//
// SEQNUM counts the uevents of the whole machine, of which those of other network
// namespaces' devices never come here, and from Linux 6.11 on they may overtake
// each other; so its gaps are not losses.
class UeventSource final : public MulticastSource {
 public:
  static absl::StatusOr<std::unique_ptr<UeventSource>> Open(EventLoop& loop, uint64_t generation,
                                                            int receive_bytes);

  void ChannelGone() override {}

 private:
  using MulticastSource::MulticastSource;

  void Take(std::span<const std::byte> datagram) override;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_UEVENT_SOURCE_H_
