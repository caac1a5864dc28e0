// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/netlink_messages.h"

#include <linux/genetlink.h>

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/netlink/channel_name.h"
#include "bridge/rpc/status.h"

namespace kchan::rpc {
namespace {

constexpr uint32_t kMaxRestarts = 100;

v1::NetlinkPrivilege PrivilegeOf(uint32_t flags) {
  if (flags & GENL_ADMIN_PERM) return v1::NETLINK_PRIVILEGE_ADMIN;
  if (flags & GENL_UNS_ADMIN_PERM) return v1::NETLINK_PRIVILEGE_NAMESPACE_ADMIN;
  return v1::NETLINK_PRIVILEGE_NONE;
}

// The operation that is asked for by this number. The do comes first: where
// another operation dumps by the same number, that has a name of its own.
const netlink::Operation* FindSpecified(const netlink::Spec* spec, uint32_t command) {
  if (spec == nullptr) return nullptr;
  const netlink::Operation* dump = nullptr;
  for (const netlink::Operation& operation : spec->operations()) {
    if (operation.doit && operation.doit->request_id == command) return &operation;
    if (operation.dump && operation.dump->request_id == command) dump = &operation;
  }
  return dump;
}

void AddOperation(const netlink::GenlOperation& from, const netlink::Spec* spec,
                  v1::NetlinkFamily& family) {
  v1::NetlinkOperation& to = *family.add_operations();
  to.set_number(from.command);
  to.set_can_do((from.flags & GENL_CMD_CAP_DO) != 0);
  to.set_can_dump((from.flags & GENL_CMD_CAP_DUMP) != 0);
  to.set_privilege(PrivilegeOf(from.flags));
  if (const netlink::Operation* operation = FindSpecified(spec, from.command)) {
    to.set_name(operation->name);
    to.set_documentation(operation->documentation);
  }
}

// Of a family that nlctrl knows nothing of.
void AddSpecified(const netlink::Spec& spec, v1::NetlinkFamily& family) {
  for (const netlink::Operation& operation : spec.operations()) {
    if (operation.is_notification()) continue;
    v1::NetlinkOperation& to = *family.add_operations();
    to.set_number(operation.doit ? operation.doit->request_id : operation.dump->request_id);
    to.set_name(operation.name);
    to.set_can_do(operation.doit.has_value());
    to.set_can_dump(operation.dump.has_value());
    to.set_documentation(operation.documentation);
  }
}

}  // namespace

v1::NetlinkFamily ToProto(const netlink::KnownFamily& known, const std::string& network_namespace,
                          const hub::Hub& hub) {
  const netlink::GenlFamily& from = known.family;
  v1::NetlinkFamily to;
  to.set_name(from.name);
  to.set_id(from.id);
  to.set_version(from.version);
  to.set_header_bytes(from.header_bytes);
  to.set_max_attribute(from.max_attribute);
  for (const netlink::GenlOperation& operation : from.operations) {
    AddOperation(operation, known.spec.get(), to);
  }
  for (const auto& [name, id] : from.groups) {
    v1::NetlinkGroup& group = *to.add_groups();
    group.set_name(name);
    group.set_id(id);
    std::string channel = netlink::ChannelName(from.name, name, network_namespace);
    if (hub.Find(channel) != nullptr) group.set_channel(std::move(channel));
  }
  if (known.spec == nullptr) return to;
  to.set_specification(known.spec->name());
  to.set_documentation(known.spec->documentation());
  if (!known.spec->is_generic()) AddSpecified(*known.spec, to);
  return to;
}

v1::NetlinkMessage ToProto(netlink::DecodedMessage message) {
  v1::NetlinkMessage to;
  to.set_command(message.command);
  to.set_operation(std::move(message.operation));
  if (message.attributes) {
    *to.mutable_attributes() = *std::move(message.attributes);
    to.set_decoding(message.by_spec ? v1::NETLINK_DECODING_SPECIFICATION
                                    : v1::NETLINK_DECODING_TREE);
  }
  return to;
}

v1::RequestResponse ToProto(netlink::AnswerPart part) {
  v1::RequestResponse to;
  for (netlink::Reply& reply : part.replies) {
    v1::NetlinkMessage& message = *to.add_messages();
    message = ToProto(std::move(reply.message));
    message.set_raw(std::move(reply.raw));
  }
  to.set_interrupted(part.interrupted);
  to.set_restarted(part.restarted);
  return to;
}

absl::StatusOr<netlink::NetlinkRequest> FromProto(const v1::RequestRequest& request) {
  if (request.family().empty()) return BadField("family", "is needed");
  if (request.operation().empty()) return BadField("operation", "is needed");
  if (request.mode() < 0 || request.mode() > v1::NETLINK_MODE_DUMP) {
    return BadField("mode", "must be NETLINK_MODE_DO or NETLINK_MODE_DUMP");
  }
  if (request.form() < 0 || request.form() > v1::NETLINK_FORM_BOTH) {
    return BadField("form", "must be NETLINK_FORM_DECODED, NETLINK_FORM_RAW or NETLINK_FORM_BOTH");
  }
  if (request.max_restarts() > kMaxRestarts) {
    return BadField("max_restarts", absl::StrCat("at most ", kMaxRestarts));
  }
  if (request.max_restarts() > 0 && request.mode() != v1::NETLINK_MODE_DUMP) {
    return BadField("max_restarts", "only a dump can be begun again");
  }
  netlink::NetlinkRequest to;
  to.family = request.family();
  to.operation = request.operation();
  to.is_dump = request.mode() == v1::NETLINK_MODE_DUMP;
  if (request.has_attributes()) to.attributes = &request.attributes();
  to.raw = request.raw();
  to.form = {.decoded = request.form() != v1::NETLINK_FORM_RAW,
             .raw = request.form() >= v1::NETLINK_FORM_RAW};
  to.network_namespace = request.network_namespace();
  to.max_restarts = request.max_restarts();
  return to;
}

absl::Status WithRefusal(absl::Status status, const netlink::Refusal& refusal) {
  status = WithReason(std::move(status), "KERNEL_REFUSED");
  status = WithMetadata(std::move(status), "errno", absl::StrCat(refusal.error));
  if (const char* name = strerrorname_np(refusal.error)) {
    status = WithMetadata(std::move(status), "errno_name", name);
  }
  const std::pair<const char*, const std::string&> facts[] = {
      {"extended_ack", refusal.extended_ack},
      {"attribute", refusal.attribute},
      {"missing_attribute", refusal.missing_attribute}};
  for (const auto& [key, value] : facts) {
    if (!value.empty()) status = WithMetadata(std::move(status), key, value);
  }
  return status;
}

}  // namespace kchan::rpc
