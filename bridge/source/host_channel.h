// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_HOST_CHANNEL_H_
#define KCHAN_BRIDGE_SOURCE_HOST_CHANNEL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/hub/channel_description.h"
#include "bridge/hub/kernel_door.h"
#include "bridge/hub/schema.h"
#include "bridge/hub/value_feed.h"
#include "bridge/source/record_source.h"

namespace kchan::source {

// One channel that needs no module of ours: something that every kernel has,
// described as the module's channels are. It is always there; whether it can
// be opened shows when somebody wants it.
//
// Thread safety: what is const, and the three ways down, from any thread;
// Attach() and generation() on the source thread.
//
// Lifetime: outlives the sources that it attaches.
class HostChannel {
 public:
  virtual ~HostChannel() = default;
  HostChannel(const HostChannel&) = delete;
  HostChannel& operator=(const HostChannel&) = delete;

  const hub::ChannelDescription& description() const { return description_; }
  const hub::Schema& schema() const { return schema_; }

  // Of the numbering that the source attached last goes by.
  virtual uint64_t generation() const { return 1; }
  // `values` is the channel's feed, for a channel of values. At most one
  // source at a time.
  virtual absl::StatusOr<std::unique_ptr<RecordSource>> Attach(hub::ValueFeed& values) = 0;
  // What an operator does about a failure to read it.
  virtual std::string RemedyFor(const absl::Status& status) const = 0;

  // As hub::KernelDoor says. By default the channel has no such way.
  virtual hub::KernelAnswer Publish(uint32_t type, std::span<const std::byte> payload);
  virtual absl::StatusOr<hub::ValueSnapshot> ReadValues();
  virtual absl::StatusOr<hub::ValueChanged> ChangeValue(const hub::ValueChange& change);

 protected:
  // Gives `schema` its id.
  HostChannel(hub::ChannelDescription description, hub::Schema schema);

  const std::string& name() const { return description_.name; }

 private:
  const hub::ChannelDescription description_;
  const hub::Schema schema_;
};

// The byte order of records that this process makes.
hub::ByteOrder NativeByteOrder();

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_HOST_CHANNEL_H_
