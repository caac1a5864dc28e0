// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_BLOCK_EXTENT_H_
#define KCHAN_BRIDGE_RPC_BLOCK_EXTENT_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "bridge/hub/channel.h"

namespace kchan::rpc {

// Whole blocks of one channel.
struct BlockExtent {
  uint64_t offset = 0;
  uint64_t length = 0;
};

// FAILED_PRECONDITION: the channel's geometry is not known (yet).
absl::StatusOr<hub::BlockGeometry> GeometryOf(const hub::Channel& channel);

// INVALID_ARGUMENT: not whole blocks; OUT_OF_RANGE: not all inside the region.
// `length_field` names what says the length.
absl::Status CheckExtent(const BlockExtent& extent, const hub::BlockGeometry& geometry,
                         absl::string_view length_field);

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_BLOCK_EXTENT_H_
