// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_RECONNECT_H_
#define KCHAN_RECONNECT_H_

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace kchan {

// How long to wait before the next try after a stream broke: `initial`, each
// time `multiplier` times longer, at most `max`, and of that a random part
// between a half and the whole, so that many clients do not come back at once.
// What arrives starts it anew. A wait that the daemon asks for comes on top,
// up to one minute.
struct BackoffOptions {
  absl::Duration initial = absl::Milliseconds(100);
  absl::Duration max = absl::Seconds(10);
  double multiplier = 1.6;
};

// The stream broke; the library connects again by itself. A subscription goes on
// at its cursors: nothing is lost by this that is not reported in a batch. A
// ValueWatch begins with what is current then.
struct Disconnected {
  absl::Status status;         // why
  absl::Duration retry_after;  // how long the library waits
};

}  // namespace kchan

#endif  // KCHAN_RECONNECT_H_
