// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_GENL_SOURCE_H_
#define KCHAN_BRIDGE_SOURCE_GENL_SOURCE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/genl_family.h"
#include "bridge/source/genl_socket.h"
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
// Thread safety: the source thread only.
//
// Lifetime: outlives the sources that it gives out.
class GenlRecords {
 public:
  // `receive_bytes`: of the multicast socket.
  GenlRecords(EventLoop& loop, GenlFamily family, int receive_bytes);
  ~GenlRecords();

  // Enables a channel. Errors as KernelControl::Enable() and as opening and
  // joining a socket.
  absl::StatusOr<std::unique_ptr<RecordSource>> Enable(const std::string& channel, uint32_t id);

 private:
  friend class GenlSource;

  absl::Status Open();
  void Remove(GenlSource* source);
  void Schedule() { timer_.Start(absl::ZeroDuration()); }
  void Turn();
  void Take(const GenlMessage& message);
  // Learns how far each channel is, after an overrun.
  void AskSequences();
  // The queue is dry and nothing is in doubt: what is missing is lost.
  void Settle();
  void FailAll(const absl::Status& status);

  EventLoop& loop_;
  const GenlFamily family_;
  const int receive_bytes_;
  std::unique_ptr<GenlMulticast> socket_;
  std::unique_ptr<KernelControl> control_;
  std::unique_ptr<FdWatch> watch_;
  Timer timer_;
  bool overrun_ = false;
  std::vector<GenlSource*> sources_;  // owned by who enabled them
};

// One channel of them.
class GenlSource final : public RecordSource {
 public:
  GenlSource(GenlRecords& records, std::string channel, uint32_t id, const EnabledMessage& enabled);
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
  uint64_t sequence_;             // the last number in the log
  std::optional<uint64_t> used_;  // the last number used, as of the last overrun
  bool gone_ = false;
  hub::Log* log_ = nullptr;  // from Start() on
  OnEnd on_end_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_GENL_SOURCE_H_
