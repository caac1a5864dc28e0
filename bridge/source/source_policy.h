// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_SOURCE_POLICY_H_
#define KCHAN_BRIDGE_SOURCE_SOURCE_POLICY_H_

#include <functional>
#include <string_view>

#include "absl/time/time.h"

namespace kchan::source {

// When a channel's source is on.
struct SourcePolicy {
  // Also while nobody reads: history begins when the channel does.
  bool always = false;
  // How long it stays on after its last reader, so that one who comes back
  // finds what it missed.
  absl::Duration idle_close = absl::Minutes(5);
};

// The policy of a channel, by its name. Called on the source thread.
using SourcePolicyFor = std::function<SourcePolicy(std::string_view channel)>;

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_SOURCE_POLICY_H_
