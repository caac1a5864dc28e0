// SPDX-License-Identifier: Apache-2.0
#include "bridge/config/config.h"

#include <algorithm>

#include "bridge/hub/subscription.h"

namespace kchan::config {

const ChannelRule* Config::FindRule(std::string_view channel) const {
  const auto rule = std::find_if(channels.begin(), channels.end(), [&](const ChannelRule& r) {
    return hub::GlobMatches(r.glob, channel);
  });
  return rule == channels.end() ? nullptr : &*rule;
}

}  // namespace kchan::config
