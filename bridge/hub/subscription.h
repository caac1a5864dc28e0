// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_SUBSCRIPTION_H_
#define KCHAN_BRIDGE_HUB_SUBSCRIPTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/hub/channel.h"
#include "bridge/hub/hub.h"
#include "bridge/hub/log.h"
#include "bridge/hub/subscription_options.h"
#include "bridge/hub/waiter.h"

namespace kchan::hub {

struct ChannelCursor {
  std::string channel;
  Cursor cursor;
};

// What a subscription has to say next; in the order that Next() gives them.
struct BatchOut {
  std::shared_ptr<const Channel> channel;
  LogBatch batch;
};
struct ChannelUpdateOut {
  std::string channel;
  ChannelState state = ChannelState::kUnspecified;
  std::string reason = {};
  uint64_t epoch = 0;  // of what follows
  uint64_t schema_id = 0;
  std::vector<std::string> missing_fields = {};  // asked for, but not there

  friend bool operator==(const ChannelUpdateOut&, const ChannelUpdateOut&) = default;
};
struct HistoryEndOut {
  std::string channel;
  Cursor cursor;
};
struct NothingOut {};
// All that was looked at in this turn was withheld, and there is more: call again
// when others have had theirs. The waiter is not armed.
struct MoreOut {};
// The stop condition has come true; it stays so.
struct EndOut {};
using SubscriptionOutput =
    std::variant<NothingOut, BatchOut, ChannelUpdateOut, HistoryEndOut, MoreOut, EndOut>;

// One reader's places in the logs, without its connection: which channels it
// selects (also those that come later), what it has been given, what it has
// acknowledged, and whose turn is next.
//
// Keeps the channels it reads wanted (ChannelDemand). Channels take turns by
// bytes, so that a busy one does not starve a quiet one.
//
// Thread safety: none; its owner calls it from one thread at a time. The
// waiter is notified from any thread.
//
// Lifetime: the hub and the waiter outlive it. The destructor disarms.
class Subscription {
 public:
  // NOT_FOUND: a channel selected by name does not exist. FAILED_PRECONDITION:
  // it has no records (a glob does not select such), or must not be blocked.
  // INVALID_ARGUMENT: a bad glob, a cursor that was not reached yet, no selection,
  // a filter that is wrong or that no channel can be held against; the message
  // begins with the field, as "selections[0].glob: ..." or
  // "filter: column 7: ...".
  static absl::StatusOr<std::unique_ptr<Subscription>> Open(Hub& hub, SubscriptionOptions options,
                                                            Waiter* waiter);
  ~Subscription();

  // The next thing to send. NothingOut: nothing now, and the waiter is armed.
  // A status ends the stream: OUT_OF_RANGE if overtaken under kDisconnect,
  // NOT_FOUND if the last channel selected was removed and no other can come,
  // INVALID_ARGUMENT if a channel came and had not reached its cursor.
  absl::StatusOr<SubscriptionOutput> Next();

  // Acknowledges everything up to `cursor`; an older one changes nothing. INVALID_ARGUMENT: beyond
  // what was given out, an unknown channel, or an epoch that was not sent. May make Next() have
  // something again.
  absl::Status Acknowledge(std::string_view channel, const Cursor& cursor);

  // While paused Next() gives no batches. After resuming call Next(), as after
  // an acknowledgement: the waiter is not notified of either.
  void SetPaused(bool paused);

  // What was withheld, or lost to the rate limit, and no batch has told of, comes
  // next, in a batch of each channel's own. False: there is no such.
  bool TellWithheld();

  // When Next() ends the subscription without being notified, if nothing is
  // left: on CLOCK_BOOTTIME.
  std::optional<uint64_t> ends_at_ns() const;

  // The node's clock was set.
  void SetClockOffset(int64_t offset_ns);

  // Asks again which channels are offered: those that are now, join. The owner
  // ends a subscription to one that is no more.
  void OffersChanged();

  // All that it reads.
  std::vector<std::string> channels() const;

  // The place reached in each channel that has one.
  std::vector<ChannelCursor> cursors() const;

  uint64_t unacknowledged_bytes() const;

 private:
  class Impl;
  explicit Subscription(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

// Whether `glob` matches one name only, itself.
bool GlobIsLiteral(std::string_view glob);
// Whether `name` matches `glob`: `*`, `?`, `[set]`, none of which matches a `/`. As
// kchan.v1.Selection.glob.
bool GlobMatches(std::string_view glob, std::string_view name);
// OK, or INVALID_ARGUMENT that says what is wrong with it.
absl::Status CheckGlob(std::string_view glob);

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_SUBSCRIPTION_H_
