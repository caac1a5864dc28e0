// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_RECORD_SOURCE_H_
#define KCHAN_BRIDGE_SOURCE_RECORD_SOURCE_H_

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "bridge/hub/log.h"

namespace kchan::source {

// Reads one activation of one channel into its log: attached when made,
// reading from Start() on, detached when destroyed.
//
// Thread safety: the source thread only.
//
// Lifetime: the log outlives it. The epoch of `log` is this activation's when
// Start() is called, and nobody else appends until the destructor.
class RecordSource {
 public:
  // OK: the kernel side has ended it, everything it had is in the log. Else it
  // cannot be read any more. May destroy the source.
  using OnEnd = std::function<void(absl::Status)>;

  virtual ~RecordSource() = default;

  // Of the activation.
  virtual uint64_t generation() const = 0;
  // The number that the next record takes.
  virtual uint64_t next_sequence() const = 0;

  // Whether the kernel keeps records, so that numbers from next_sequence() on
  // may have been given out by an earlier daemon. Then it reads those first and
  // calls Log::CaughtUp().
  virtual bool has_history() const { return false; }
  // The last number that there was when it was attached: what follows is new.
  // 0: not known before CaughtUp().
  virtual uint64_t history_end() const { return 0; }
  // Calls `told` once, from when on all that comes is new: at once, but where
  // history_end() is not known.
  virtual void WhenCaughtUp(std::function<void()> told) { told(); }

  // Appends what earlier activations have left behind, each as an epoch of its
  // own. At most once, before the log's epoch is this activation's.
  virtual void ReadPast(hub::Log& log) { static_cast<void>(log); }

  virtual void Start(hub::Log& log, OnEnd on_end) = 0;

  // There may be rings that could not be attached before: a CPU has come up.
  // May end the source.
  virtual void RingsAppeared() = 0;
  // The kernel says that the channel is no more.
  virtual void ChannelGone() = 0;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_RECORD_SOURCE_H_
