// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/netlink_group.h"

#include <linux/genetlink.h>
#include <linux/kchan.h>
#include <linux/netlink.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/netlink/channel_name.h"
#include "bridge/netlink/network_namespace.h"
#include "bridge/netlink/unprivileged.h"
#include "bridge/source/epoch.h"
#include "bridge/source/host_channel.h"
#include "bridge/source/host_schema.h"
#include "bridge/source/netlink_group_source.h"

namespace kchan::source {
namespace {

// A family multicasts with the commands of its operations, and with others that
// it tells nobody of: records of those are of a type that the schema lacks.
hub::Schema SchemaOf(const netlink::GenlFamily& family) {
  hub::Schema schema;
  schema.byte_order = NativeByteOrder();
  for (const netlink::GenlOperation& operation : family.operations) {
    if (operation.command == 0) continue;
    hub::RecordType type;
    type.id = operation.command;
    type.name = absl::StrCat("command_", operation.command);
    type.documentation = absl::StrCat("A message of netlink family ", family.name,
                                      "; NetlinkService.Decode makes it readable.");
    type.direction = hub::Direction::kToUser;
    type.size_bytes = GENL_HDRLEN;
    type.fields = {
        HostField("command", KCHAN_FIELD_U8, offsetof(genlmsghdr, cmd), 1, "What it is."),
        HostField("version", KCHAN_FIELD_U8, offsetof(genlmsghdr, version), 1,
                  "Of the family's interface."),
        HostField("attributes", KCHAN_FIELD_BYTES_REST, GENL_HDRLEN, 0,
                  "The family's own header, if it has one, and netlink attributes."),
    };
    schema.types.push_back(std::move(type));
  }
  schema.id = hub::SchemaId(schema);
  return schema;
}

absl::StatusOr<std::unique_ptr<netlink::NetlinkSocket>> OpenJoined(const std::string& path,
                                                                   int receive_bytes,
                                                                   uint32_t group,
                                                                   netlink::Privilege privilege) {
  auto socket = netlink::OpenSocketIn(path, receive_bytes, NETLINK_GENERIC);
  if (!socket.ok()) return socket.status();
  absl::Status status;
  if (privilege == netlink::Privilege::kOwn) {
    status = (*socket)->Join(group);
  } else {
    const netlink::Unprivileged unprivileged;
    status = unprivileged.status().ok() ? (*socket)->Join(group) : unprivileged.status();
  }
  if (!status.ok()) return status;
  return socket;
}

}  // namespace

NetlinkGroup::NetlinkGroup(EventLoop& loop, const netlink::NetlinkRules& rules,
                           const std::string& family, const std::string& group,
                           const std::string& network_namespace, std::string path,
                           int receive_bytes)
    : loop_(loop),
      rules_(rules),
      family_(family),
      group_(group),
      path_(std::move(path)),
      receive_bytes_(receive_bytes) {
  hub::ChannelDescription& description = message_.description;
  description.name = netlink::ChannelName(family, group, network_namespace);
  description.documentation =
      absl::StrCat("What netlink family ", family, " multicasts to its group ", group,
                   network_namespace.empty() ? "" : " in network namespace ", network_namespace);
  description.provider = "kernel";
  description.transport = "netlink";
  description.volume = hub::Volume::kMessages;
  description.direction = hub::Direction::kToUser;
  description.max_record_bytes = 64 << 10;  // of a datagram
  message_.state = KCHAN_STATE_IDLE;
}

bool NetlinkGroup::Register(const netlink::GenlFamily& family) {
  const uint32_t group_id = family.groups.at(group_);
  if (is_registered_ && family.id == family_id_ && group_id == group_id_) return false;
  is_registered_ = true;
  family_id_ = family.id;
  group_id_ = group_id;
  ++message_.id;
  schema_ = SchemaOf(family);
  return true;
}

KernelLink::StartAttach NetlinkGroup::Attach(const ChannelMessage& /*channel*/,
                                             hub::ValueFeed& /*values*/) {
  const auto privilege = rules_.Check({.family = family_, .name = group_, .is_group = true},
                                      /*has_control=*/false);
  if (!privilege.ok()) return [status = privilege.status()] { return status; };
  return [this, path = path_, receive_bytes = receive_bytes_, group = group_id_,
          privilege = *privilege]() -> absl::StatusOr<FinishAttach> {
    auto socket = OpenJoined(path, receive_bytes, group, privilege);
    if (!socket.ok()) return socket.status();
    return [this, socket = *std::move(
                      socket)]() mutable -> absl::StatusOr<std::unique_ptr<RecordSource>> {
      // Each numbers anew, since the kernel counts for nobody who is away.
      message_.generation = RandomGeneration();
      const bool after_gap = attached_id_ != 0 && attached_id_ != message_.id;
      attached_id_ = message_.id;
      auto source = NetlinkGroupSource::Create(loop_, family_id_, message_.generation, after_gap,
                                               std::move(socket));
      if (!source.ok()) return source.status();
      return std::unique_ptr<RecordSource>(*std::move(source));
    };
  };
}

absl::StatusOr<hub::Schema> NetlinkGroup::GetSchema(const std::string& /*channel*/) {
  return schema_;
}

absl::StatusOr<ChannelMessage> NetlinkGroup::GetChannel(const std::string& /*channel*/) {
  return message_;
}

}  // namespace kchan::source
