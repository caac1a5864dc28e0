// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_GENL_SOURCE_H_
#define KCHAN_BRIDGE_SOURCE_GENL_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/netlink/genl_family.h"
#include "bridge/netlink/genl_socket.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/kernel_control.h"
#include "bridge/source/record_source.h"

namespace kchan::source {

class GenlSource;

// The one multicast socket that all channels of KCHAN_TRANSPORT_GENL share, and
// the socket that owns their demand. Both are open while there is a channel.
//
// A full socket loses messages at a place that cannot be known, but each record
// has a number: what is missing between two of them is exact. What is missing
// at the end is found by asking for the last number used, once the queue has
// run dry.
//
// Turning a channel on may block and is done elsewhere: what comes of it before
// its source is there is kept until then.
//
// Thread safety: the source thread only.
//
// Lifetime: outlives the sources that it gives out.
class GenlRecords {
 public:
  // `receive_bytes`: of the multicast socket.
  GenlRecords(EventLoop& loop, netlink::GenlFamily family, int receive_bytes);
  ~GenlRecords();

  // What has come of a channel that somebody is turning on.
  struct Early {
    uint32_t id = 0;
    std::vector<std::vector<std::byte>> messages = {};  // attributes
    size_t bytes = 0;                                   // of them
    bool overrun = false;
    bool failed = false;  // the socket has
  };

  // From now on, while the result lives, the channel's records are kept. It may
  // be destroyed on any thread. Errors as opening and joining a socket.
  absl::StatusOr<std::shared_ptr<Early>> Expect(const std::string& channel, uint32_t id);

  // `enabled` is what a socket that is still open was told; this one owns the
  // demand from now on. Errors as KernelControl::Enable().
  absl::StatusOr<std::unique_ptr<RecordSource>> Adopt(const std::string& channel,
                                                      const EnabledMessage& enabled,
                                                      std::shared_ptr<Early> early);

 private:
  friend class GenlSource;

  absl::Status Open();
  void CloseIfUnused();
  void Keep(const netlink::GenlMessage& message, uint32_t id);
  void Remove(GenlSource* source);
  void Schedule() { timer_.Start(absl::ZeroDuration()); }
  void Turn();
  void Take(const netlink::GenlMessage& message);
  // Learns how far each channel is, after an overrun.
  void AskSequences();
  // The queue is dry and nothing is in doubt: what is missing is lost.
  void Settle();
  void FailAll(const absl::Status& status);

  EventLoop& loop_;
  const netlink::GenlFamily family_;
  const int receive_bytes_;
  std::unique_ptr<netlink::GenlMulticast> socket_;
  std::unique_ptr<KernelControl> control_;
  std::unique_ptr<FdWatch> watch_;
  Timer timer_;
  bool overrun_ = false;
  std::vector<GenlSource*> sources_;  // owned by who enabled them
  std::vector<std::weak_ptr<Early>> early_;
};

// One channel of them.
class GenlSource final : public RecordSource {
 public:
  GenlSource(GenlRecords& records, std::string channel, const EnabledMessage& enabled,
             std::shared_ptr<GenlRecords::Early> early);
  ~GenlSource() override;

  uint64_t generation() const override { return generation_; }
  uint64_t next_sequence() const override { return sequence_ + 1; }
  void Start(hub::Log& log, OnEnd on_end) override;
  void RingsAppeared() override {}
  void ChannelGone() override;

 private:
  friend class GenlRecords;

  void Take(const RecordsMessage& message, bool after_overrun);
  void TakeRecord(const RecordMessage& record);
  // Numbers up to and including `last` will not come any more.
  void Lose(uint64_t last, hub::LossStage stage, const char* cause);

  GenlRecords& records_;
  const std::string channel_;
  const uint32_t id_;
  const uint64_t generation_;
  uint64_t sequence_;                          // the last number in the log
  std::optional<uint64_t> used_;               // the last number used, as of the last overrun
  std::shared_ptr<GenlRecords::Early> early_;  // until Start()
  bool gone_ = false;
  hub::Log* log_ = nullptr;  // from Start() on
  OnEnd on_end_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_GENL_SOURCE_H_
