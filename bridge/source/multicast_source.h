// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_MULTICAST_SOURCE_H_
#define KCHAN_BRIDGE_SOURCE_MULTICAST_SOURCE_H_

#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/status.h"
#include "bridge/netlink/netlink_socket.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/record_source.h"

namespace kchan::source {

// Reads what a netlink socket's groups multicast; what a datagram holds is for
// the classes that derive from this.
//
// Records are counted here, from 1: netlink has no numbers of its own. The
// socket counts what it had no room for.
//
// Thread safety: the source thread only.
class MulticastSource : public RecordSource {
 public:
  uint64_t generation() const final { return generation_; }
  uint64_t next_sequence() const final { return 1; }
  void Start(hub::Log& log, OnEnd on_end) override;
  void RingsAppeared() final {}

 protected:
  // `socket` has joined. `generation`: a new one each time, since the kernel
  // counts for nobody who is away.
  MulticastSource(EventLoop& loop, uint64_t generation,
                  std::unique_ptr<netlink::NetlinkSocket> socket);

  // Once, before Start(). A status: it cannot be.
  absl::Status Watch();
  // Appends what the datagram holds.
  virtual void Take(std::span<const std::byte> datagram) = 0;

  hub::Log& log() { return *log_; }
  void Lose(uint64_t count, hub::LossStage stage, const char* cause);
  // Ends once nothing is queued any more.
  void EndWhenDry();

 private:
  void Turn();
  void Dry();
  void End(absl::Status status);

  EventLoop& loop_;
  const uint64_t generation_;
  const std::unique_ptr<netlink::NetlinkSocket> socket_;
  std::unique_ptr<FdWatch> watch_;
  Timer timer_;
  bool overrun_ = false;
  bool ends_ = false;
  hub::Log* log_ = nullptr;  // from Start() on
  OnEnd on_end_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_MULTICAST_SOURCE_H_
