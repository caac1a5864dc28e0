// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/host_channel.h"

#include <bit>
#include <utility>

#include "absl/strings/str_cat.h"

namespace kchan::source {
namespace {

hub::Schema WithId(hub::Schema schema) {
  schema.id = hub::SchemaId(schema);
  return schema;
}

}  // namespace

HostChannel::HostChannel(hub::ChannelDescription description, hub::Schema schema)
    : description_(std::move(description)), schema_(WithId(std::move(schema))) {}

hub::KernelAnswer HostChannel::Publish(uint32_t /*type*/, std::span<const std::byte> /*payload*/) {
  return {.status = absl::UnimplementedError(absl::StrCat("channel ", name(), " takes no records")),
          .kernel_errno = 0};
}

absl::StatusOr<hub::ValueSnapshot> HostChannel::ReadValues() {
  return absl::FailedPreconditionError(
      absl::StrCat("channel ", name(), " has records, not values: subscribe to it"));
}

absl::StatusOr<hub::ValueChanged> HostChannel::ChangeValue(const hub::ValueChange& /*change*/) {
  return absl::FailedPreconditionError(
      absl::StrCat("channel ", name(), " has records, not values"));
}

hub::ByteOrder NativeByteOrder() {
  return std::endian::native == std::endian::little ? hub::ByteOrder::kLittle
                                                    : hub::ByteOrder::kBig;
}

}  // namespace kchan::source
