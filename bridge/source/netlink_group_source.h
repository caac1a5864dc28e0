// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_NETLINK_GROUP_SOURCE_H_
#define KCHAN_BRIDGE_SOURCE_NETLINK_GROUP_SOURCE_H_

#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/statusor.h"
#include "bridge/netlink/netlink_socket.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/record_source.h"

namespace kchan::source {

// Reads what a netlink family multicasts to one group: each message is a record,
// of its command's type, from the generic-netlink header on.
//
// Records are counted here, from 1: netlink has no numbers of its own. The
// socket counts what it had no room for.
//
// Thread safety: the source thread only.
class NetlinkGroupSource final : public RecordSource {
 public:
  // `socket` has joined the group. `after_gap`: there was a time in which nobody
  // could have, so that something may be missing.
  static absl::StatusOr<std::unique_ptr<NetlinkGroupSource>> Create(
      EventLoop& loop, uint16_t family_id, uint64_t generation, bool after_gap,
      std::unique_ptr<netlink::NetlinkSocket> socket);

  uint64_t generation() const override { return generation_; }
  uint64_t next_sequence() const override { return 1; }
  void Start(hub::Log& log, OnEnd on_end) override;
  void RingsAppeared() override {}
  void ChannelGone() override;

 private:
  NetlinkGroupSource(EventLoop& loop, uint16_t family_id, uint64_t generation, bool after_gap,
                     std::unique_ptr<netlink::NetlinkSocket> socket);

  void Turn();
  // Nothing is queued any more.
  void Dry();
  void Take(std::span<const std::byte> datagram);
  void Lose(uint64_t count, hub::LossStage stage, const char* cause);
  void End(absl::Status status);

  const uint16_t family_id_;
  const uint64_t generation_;
  const bool after_gap_;
  const std::unique_ptr<netlink::NetlinkSocket> socket_;
  std::unique_ptr<FdWatch> watch_;
  Timer timer_;
  bool overrun_ = false;
  bool is_gone_ = false;
  uint32_t drops_told_ = 0;
  hub::Log* log_ = nullptr;  // from Start() on
  OnEnd on_end_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_NETLINK_GROUP_SOURCE_H_
