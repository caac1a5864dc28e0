// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_BENCH_READER_H_
#define KCHAN_CLIENTS_CLI_BENCH_READER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/hub/channel.h"
#include "node.h"
#include "waiting.h"

namespace kchan::cli::bench {

// What a reader has seen of a channel.
struct Tally {
  uint64_t received = 0;
  uint64_t lost = 0;
  std::vector<uint64_t> latencies_ns;  // if asked for

  uint64_t covered() const { return received + lost; }
};

// Reads one channel's log, and counts what the kernel side produced: by the
// numbers, since each takes one.
//
// Thread safety: none.
class Reader {
 public:
  // From what comes next on. The channel is live when it returns.
  static absl::StatusOr<std::unique_ptr<Reader>> Open(Node& node,
                                                      std::shared_ptr<hub::Channel> channel);
  ~Reader();

  // Lets go of the kernel side, and comes back to it: what is written in
  // between is kept there, and is read then.
  absl::Status Pause();
  absl::Status Resume();

  // Adds to `tally` until it covers `produced`. DEADLINE_EXCEEDED: numbers are
  // missing; INTERNAL: there are more than were produced.
  absl::Status ReadUntil(uint64_t produced, bool measure_latency, Tally& tally);

  // The payload of the next record; losses before it are an error.
  absl::StatusOr<std::vector<std::byte>> ReadOne();

 private:
  Reader(Node& node, std::shared_ptr<hub::Channel> channel);
  // Something to read at position_, or the deadline.
  absl::Status Await(Deadline deadline);

  Node& node_;
  const std::shared_ptr<hub::Channel> channel_;
  std::unique_ptr<hub::ChannelDemand> demand_;
  hub::LogPosition position_;
  Sleeper sleeper_;
};

}  // namespace kchan::cli::bench

#endif  // KCHAN_CLIENTS_CLI_BENCH_READER_H_
