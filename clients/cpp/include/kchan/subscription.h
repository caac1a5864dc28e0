// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_SUBSCRIPTION_H_
#define KCHAN_SUBSCRIPTION_H_

#include <cstdint>
#include <memory>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "kchan/batch.h"
#include "kchan/client.h"
#include "kchan/clock.h"
#include "kchan/reconnect.h"

namespace kchan {

// Where to start, for Select().
v1::Start FromNow();
v1::Start FromOldest();
v1::Start FromLast(uint64_t records);
v1::Start FromCursor(v1::Cursor cursor);
// With the records made at `time` or later, by the node's clock.
v1::Start FromTime(absl::Time time);

// When to end, for open.stop: then Next() gives Ended.
v1::SubscribeRequest::Stop StopAtTime(absl::Time time);
v1::SubscribeRequest::Stop StopAfterRecords(uint64_t records);
v1::SubscribeRequest::Stop StopAtEndOfHistory();

// A channel by name, or all that match if it has one of `*?[`.
v1::Selection Select(std::string_view name_or_glob, v1::Start start = FromNow());

struct SubscriptionOptions {
  // What to stream, as in the protocol: at least `selections`. Whatever else it
  // asks for (filter, stop, sampling, rate limit, ..) goes on across connections;
  // of stop.records, what is left. What is withheld is BatchView::filtered().
  v1::SubscribeRequest::Open open;
  // With open.window_bytes > 0: acknowledge a batch when the next call of
  // Next() shows that it has been processed. False: the reader calls
  // Acknowledge() when it is done with it, for example after it is on disk.
  bool acknowledge_automatically = true;
  // Connect again when the stream breaks, and resume. False: Next() returns the
  // stream's status.
  bool reconnect = true;
  BackoffOptions backoff;
};

// The stop condition in the options has come true. Every later Next() gives it
// again.
struct Ended {};

// What Next() gives. A batch, or one of:
//   Hello          once for each connection: the node, and where channels start
//   Disconnected   the stream broke; Next() goes on with it
//   ChannelUpdate  a channel's state, epoch or schema as of the next batch
//   HistoryEnd     what follows in this channel is live
//   Heartbeat      nothing new; these are the cursors
//   Ended          the last, if open.stop says when
using Delivery =
    std::variant<const BatchView*, v1::SubscribeResponse::Hello, Disconnected,
                 v1::SubscribeResponse::ChannelUpdate, v1::SubscribeResponse::HistoryEnd,
                 v1::SubscribeResponse::Heartbeat, Ended>;

// Subscription reads the records of some channels, in order and exactly once,
// across broken connections and restarts of the daemon:
//
//   Subscription subscription(*client, {.open = open});
//   for (;;) {
//     absl::StatusOr<Delivery> delivery = subscription.Next();
//     if (!delivery.ok()) return delivery.status();
//     if (auto* batch = std::get_if<const BatchView*>(&*delivery)) Use(**batch);
//   }
//
// It checks what the protocol promises: that each batch adds up and starts
// where the one before ended. It works in the caller's thread, inside Next();
// it has no thread and no queue of its own, so a reader that does not call
// Next() holds one batch and whatever the connection has buffered. Ask for a
// window (open.window_bytes) to bound that.
//
// Memory: batches are up to 1 MiB and short-lived. With glibc's malloc call
// mallopt(M_TRIM_THRESHOLD, 1 << 30) and mallopt(M_MMAP_THRESHOLD, 32 << 20) at
// the start of main(), or use another allocator: otherwise each batch is given
// back to the kernel and faulted in again, at two to three times the CPU.
//
// Thread safety: Next(), Pause(), Resume(), cursors() and clock() from one
// thread at a time; Cancel() and Acknowledge() from any.
//
// Lifetime: a batch, and all its views, dies with the next call of Next() or
// with the subscription. It keeps the client's connection, not the client.
class Subscription {
 public:
  Subscription(const Client& client, SubscriptionOptions options);
  ~Subscription();

  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  // Waits for the next thing.
  //
  // DEADLINE_EXCEEDED: nothing came until `deadline`; call it again. Any other
  // error is the end, and every later call returns it: CANCELLED after
  // Cancel(), DATA_LOSS if the daemon broke a promise (cursors() is where),
  // otherwise the daemon's, see rpc Subscribe in the protocol.
  //
  // UNAVAILABLE and RESOURCE_EXHAUSTED are not the end but a Disconnected, if
  // the options ask for it; so are, once a stream had begun, CANCELLED by the
  // other end and NOT_FOUND (a daemon that starts may not know a channel yet).
  absl::StatusOr<Delivery> Next(absl::Time deadline = absl::InfiniteFuture());

  // Ends the subscription: a Next() that waits returns CANCELLED.
  void Cancel();

  // Tells the daemon that everything up to `cursor` has been processed.
  // Acknowledgements of a broken stream are dropped: its successor starts
  // behind what was delivered, not behind what was acknowledged.
  void Acknowledge(const v1::Cursor& cursor);

  // Stops batches, and lets them come again; heartbeats go on.
  void Pause();
  void Resume();

  // The place reached in each channel: give them to FromCursor() to go on
  // later, in another process.
  std::vector<v1::Cursor> cursors() const;

  // The node's clock as of its last hello or heartbeat; see BatchView::ClockOf().
  NodeClock clock() const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace kchan

#endif  // KCHAN_SUBSCRIPTION_H_
