// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_UEVENT_SOURCE_H_
#define KCHAN_BRIDGE_SOURCE_UEVENT_SOURCE_H_

#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/statusor.h"
#include "bridge/netlink/netlink_socket.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/record_source.h"

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
// Records are counted here, from 1: SEQNUM counts the uevents of the whole
// machine, of which those of other network namespaces' devices never come
// here, and from Linux 6.11 on they may overtake each other; so its gaps are
// not losses. Those are told by the socket, which counts what it had no room
// for.
//
// Thread safety: the source thread only.
class UeventSource final : public RecordSource {
 public:
  // `generation`: a new one each time, since the kernel counts for nobody who
  // is away.
  static absl::StatusOr<std::unique_ptr<UeventSource>> Open(EventLoop& loop, uint64_t generation,
                                                            int receive_bytes);

  uint64_t generation() const override { return generation_; }
  uint64_t next_sequence() const override { return 1; }
  void Start(hub::Log& log, OnEnd on_end) override;
  void RingsAppeared() override {}
  void ChannelGone() override {}

 private:
  UeventSource(EventLoop& loop, uint64_t generation,
               std::unique_ptr<netlink::NetlinkSocket> socket);

  void Turn();
  void Take(std::span<const std::byte> datagram);
  // What the socket has lost since it was last asked.
  void LoseDrops();

  const uint64_t generation_;
  const std::unique_ptr<netlink::NetlinkSocket> socket_;
  std::unique_ptr<FdWatch> watch_;
  Timer timer_;
  bool overrun_ = false;
  uint32_t drops_told_ = 0;
  hub::Log* log_ = nullptr;  // from Start() on
  OnEnd on_end_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_UEVENT_SOURCE_H_
