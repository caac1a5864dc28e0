// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_VALUES_H_
#define KCHAN_VALUES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "kchan/client.h"
#include "kchan/reconnect.h"
#include "kchan/v1/value.pb.h"

namespace kchan {

// Channels of volume "value": named words that are read and changed, not
// streamed. All functions are safe from any thread and wait for the kernel, for
// call_timeout of the client's options at most.
//
// Errors: the daemon's, see the rpc of the same name in the protocol;
// FAILED_PRECONDITION if the channel has no values. A change is never sent
// twice: after UNAVAILABLE or DEADLINE_EXCEEDED whether the kernel made it is
// not known.

v1::Value UnsignedValue(uint64_t number);
v1::Value SignedValue(int64_t number);
v1::Value TextValue(std::string_view text);

// The word of this name; null if there is none.
const v1::Value* FindWord(const v1::Values& values, std::string_view word);

// All words, as they are now.
absl::StatusOr<v1::Values> GetValues(const Client& client, std::string_view channel);

// Gives one word a value. Returns what it was, where the kernel tells it.
absl::StatusOr<std::optional<v1::Value>> SetValue(const Client& client, std::string_view channel,
                                                  std::string_view word, const v1::Value& value);

// Adds to one word, atomically; wraps around at its 64 bits. Returns what it was
// and what it is.
absl::StatusOr<v1::AddValueResponse> AddValue(const Client& client, std::string_view channel,
                                              std::string_view word, int64_t delta);

// Gives one word a value if it is `expected`, atomically. That it is another one
// is no error: `swapped` is false then.
absl::StatusOr<v1::CompareAndSwapValueResponse> CompareAndSwapValue(const Client& client,
                                                                    std::string_view channel,
                                                                    std::string_view word,
                                                                    const v1::Value& expected,
                                                                    const v1::Value& value);

struct ValueWatchOptions {
  // Names, at least one.
  std::vector<std::string> channels;
  // 0: an update at each change. Else one for each channel in this time, 10 ms
  // to 1 h, changed or not; only those that changed with suppress_redundant.
  absl::Duration sample_interval = absl::ZeroDuration();
  bool suppress_redundant = false;
  // A channel of which nothing was sent for this long is sent again; 100 ms to
  // 1 h. 0: never.
  absl::Duration heartbeat_interval = absl::ZeroDuration();
  // Connect again when the stream breaks. False: Next() returns its status.
  bool reconnect = true;
  BackoffOptions backoff = {};
};

// The first update of each channel has been delivered.
struct ValuesSynced {};

// What ValueWatch::Next() gives.
using ValueDelivery = std::variant<v1::WatchValuesResponse::Update, ValuesSynced, Disconnected>;

// ValueWatch follows the values of some channels. A reader that is slow gets the
// latest ones, and in `duplicates` how many changes it did not get.
//
// After a Disconnected each channel's current values come again, then a
// ValuesSynced. `duplicates` counts across that too, unless the kernel side
// started anew meanwhile (another Values.generation).
//
// It works in the caller's thread, inside Next(), and has no queue of its own.
//
// Thread safety: Next() from one thread at a time; Cancel() from any.
//
// Lifetime: keeps the client's connection, not the client.
class ValueWatch {
 public:
  ValueWatch(const Client& client, ValueWatchOptions options);
  ~ValueWatch();
  ValueWatch(const ValueWatch&) = delete;
  ValueWatch& operator=(const ValueWatch&) = delete;

  // Waits for the next thing.
  //
  // DEADLINE_EXCEEDED: nothing came until `deadline`; call it again. Any other
  // error is the end, and every later call returns it: CANCELLED after
  // Cancel(), otherwise the daemon's. UNAVAILABLE and RESOURCE_EXHAUSTED are
  // not the end but a Disconnected, if the options ask for it; so are, once
  // something had come, CANCELLED by the other end and NOT_FOUND (a daemon that
  // starts may not know a channel yet).
  absl::StatusOr<ValueDelivery> Next(absl::Time deadline = absl::InfiniteFuture());

  // Ends it: a Next() that waits returns CANCELLED.
  void Cancel();

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace kchan

#endif  // KCHAN_VALUES_H_
