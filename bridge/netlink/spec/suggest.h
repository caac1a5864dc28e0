// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_SPEC_SUGGEST_H_
#define KCHAN_BRIDGE_NETLINK_SPEC_SUGGEST_H_

#include <string>
#include <string_view>
#include <vector>

namespace kchan::netlink {

// What to say of a name that is none of `names`: "did you mean rx?", or which
// there are.
std::string Suggest(std::string_view wrong, const std::vector<std::string_view>& names);

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_SPEC_SUGGEST_H_
