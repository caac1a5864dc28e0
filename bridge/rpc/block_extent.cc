// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/block_extent.h"

#include "absl/strings/str_cat.h"
#include "bridge/rpc/status.h"

namespace kchan::rpc {
namespace {

absl::Status CheckAligned(absl::string_view field, uint64_t value, uint32_t block_bytes) {
  if (value % block_bytes == 0) return absl::OkStatus();
  return BadField(field, absl::StrCat(value, " is no multiple of the block size, ", block_bytes));
}

}  // namespace

absl::StatusOr<hub::BlockGeometry> GeometryOf(const hub::Channel& channel) {
  const hub::ChannelSnapshot snapshot = channel.snapshot();
  const auto& geometry = snapshot.description->block;
  if (geometry && geometry->block_bytes > 0) return *geometry;
  return absl::FailedPreconditionError(
      absl::StrCat("the size of channel '", channel.name(), "' is not known",
                   snapshot.reason.empty() ? "" : ": ", snapshot.reason));
}

absl::Status CheckExtent(const BlockExtent& extent, const hub::BlockGeometry& geometry,
                         absl::string_view length_field) {
  absl::Status status = CheckAligned("offset_bytes", extent.offset, geometry.block_bytes);
  status.Update(CheckAligned(length_field, extent.length, geometry.block_bytes));
  if (!status.ok()) return status;
  if (extent.offset <= geometry.capacity_bytes &&
      extent.length <= geometry.capacity_bytes - extent.offset) {
    return absl::OkStatus();
  }
  return absl::OutOfRangeError(absl::StrCat(extent.length, " bytes at ", extent.offset,
                                            " reach beyond the end, ", geometry.capacity_bytes));
}

}  // namespace kchan::rpc
