// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_CONFIG_RESOLVE_CONFINEMENT_H_
#define KCHAN_BRIDGE_CONFIG_RESOLVE_CONFINEMENT_H_

#include "bridge/config/config.h"
#include "kchan/config/v1/config.pb.h"

namespace kchan::config {

// What of all the rest, which has been read already, needs capabilities.
void ResolveConfinement(const v1::Config& from, Config& to);

}  // namespace kchan::config

#endif  // KCHAN_BRIDGE_CONFIG_RESOLVE_CONFINEMENT_H_
