// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_EPOCH_H_
#define KCHAN_BRIDGE_SOURCE_EPOCH_H_

#include <cstdint>
#include <string_view>

namespace kchan::source {

// The epoch of one activation of a channel: the same for every daemon that
// reads it, never 0.
uint64_t EpochOf(std::string_view boot_id, std::string_view channel, uint64_t generation);

// For what has no generation of its own: as good as unique, never 0.
uint64_t RandomGeneration();

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_EPOCH_H_
