// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/uevent_channel.h"

#include <linux/kchan.h>

#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/source/epoch.h"
#include "bridge/source/host_schema.h"
#include "bridge/source/uevent_source.h"

namespace kchan::source {
namespace {

hub::ChannelDescription Describe() {
  hub::ChannelDescription description;
  description.name = "uevent";
  description.documentation = absl::StrCat(
      "Devices, drivers and modules that come, go and change, in kchand's network namespace. ",
      "The only channel of classic netlink: ", kClassicNetlinkReason, ".");
  description.provider = "kernel";
  description.transport = "uevent";
  description.volume = hub::Volume::kMessages;
  description.direction = hub::Direction::kToUser;
  description.max_record_bytes = 8 << 10;  // the kernel's 2 KiB, some of it twice
  return description;
}

hub::Field Text(const char* name, size_t offset, const char* documentation) {
  return HostField(name, KCHAN_FIELD_STRING_LOC, offset, sizeof(uint32_t), documentation);
}

hub::Schema UeventSchema() {
  hub::RecordType type;
  type.id = kUeventRecordType;
  type.name = "uevent";
  type.documentation = "Something happened to a kernel object.";
  type.direction = hub::Direction::kToUser;
  type.size_bytes = sizeof(UeventPayload);
  type.fields = {
      HostField("seqnum", KCHAN_FIELD_U64, offsetof(UeventPayload, seqnum), 8,
                "Counts the uevents of the whole machine, also those that do not come here."),
      Text("action", offsetof(UeventPayload, action), "add, remove, change, move, bind .."),
      Text("devpath", offsetof(UeventPayload, devpath), "The object's folder, below /sys."),
      Text("subsystem", offsetof(UeventPayload, subsystem), "block, net, module .."),
      Text("properties", offsetof(UeventPayload, properties), "All KEY=value lines."),
  };
  hub::Schema schema;
  schema.byte_order = NativeByteOrder();
  schema.types = {std::move(type)};
  return schema;
}

}  // namespace

UeventChannel::UeventChannel(EventLoop& loop, int receive_bytes)
    : HostChannel(Describe(), UeventSchema()), loop_(loop), receive_bytes_(receive_bytes) {}

absl::StatusOr<std::unique_ptr<RecordSource>> UeventChannel::Attach(hub::ValueFeed& /*values*/) {
  generation_ = RandomGeneration();
  auto source = UeventSource::Open(loop_, generation_, receive_bytes_);
  if (!source.ok()) return source.status();
  return std::unique_ptr<RecordSource>(*std::move(source));
}

std::string UeventChannel::RemedyFor(const absl::Status& /*status*/) const {
  return "let kchand have netlink sockets (its seccomp filter or its systemd unit may forbid "
         "them), or set uevents { disabled: true }";
}

hub::KernelAnswer UeventChannel::Publish(uint32_t /*type*/, std::span<const std::byte>) {
  return {.status = absl::UnimplementedError("channel uevent is read-only: its protocol is the "
                                             "kernel's own"),
          .kernel_errno = 0};
}

}  // namespace kchan::source
