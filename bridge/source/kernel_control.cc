// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/kernel_control.h"

#include <cerrno>

#include "absl/strings/str_cat.h"

namespace kchan::source {
namespace {

// What is around a payload in a request.
constexpr size_t kRequestBytes = 1024;
constexpr size_t kParameterBytes = 128;

absl::Status NoReply(const std::string& what) {
  return absl::InternalError(absl::StrCat(what, ": the kernel acknowledged, but said nothing"));
}

// The kernel's own ENOENT for a family that is not registered comes without a
// word; the family's ENOENT for a channel names the attribute.
bool FamilyIsGone(const netlink::NetlinkAck& ack) {
  return ack.error == ENOENT && !ack.bad_attribute && ack.message.empty();
}

// The kernel's own EPERM, too.
bool LacksCapability(const netlink::NetlinkAck& ack) {
  return ack.error == EPERM && !ack.bad_attribute && ack.message.empty();
}

}  // namespace

absl::StatusOr<std::unique_ptr<KernelControl>> KernelControl::Open(uint16_t family) {
  auto socket = netlink::GenlSocket::Open();
  if (!socket.ok()) return socket.status();
  return std::unique_ptr<KernelControl>(new KernelControl(family, *std::move(socket)));
}

hub::KernelAnswer KernelControl::Ask(netlink::GenlRequest& request, const std::string& what,
                                     netlink::OnGenlMessage on_reply) {
  const absl::StatusOr<netlink::NetlinkAck> ack = socket_->Ask(request, on_reply);
  if (!ack.ok()) {
    healthy_ = false;
    return {.status =
                absl::Status(ack.status().code(), absl::StrCat(what, ": ", ack.status().message())),
            .kernel_errno = 0};
  }
  if (FamilyIsGone(*ack)) {
    return {.status = absl::FailedPreconditionError(
                absl::StrCat(what, ": the kernel side is gone: load the module (modprobe kchan)")),
            .kernel_errno = ack->error};
  }
  if (LacksCapability(*ack)) {
    return {.status = absl::PermissionDeniedError(
                absl::StrCat(what, ": kchand lacks CAP_NET_ADMIN: start it with that")),
            .kernel_errno = ack->error};
  }
  return {.status = netlink::AckStatus(*ack, what, KchanAttributeName), .kernel_errno = ack->error};
}

template <typename T>
absl::StatusOr<T> KernelControl::AskOne(uint8_t command, const std::string& name,
                                        const std::string& what,
                                        absl::StatusOr<T> (*parse)(std::span<const std::byte>)) {
  netlink::GenlRequest request(family_, command, KCHAN_GENL_VERSION);
  if (!name.empty()) request.PutString(KCHAN_A_CHANNEL_NAME, name);
  absl::StatusOr<T> result = NoReply(what);
  const hub::KernelAnswer answer = Ask(request, what, [&](const netlink::GenlMessage& message) {
    result = parse(message.attributes);
    return absl::OkStatus();
  });
  if (!answer.status.ok()) return answer.status;
  return result;
}

absl::StatusOr<NodeMessage> KernelControl::GetNode() {
  return AskOne<NodeMessage>(KCHAN_CMD_NODE_GET, "", "kernel side", ParseNode);
}

absl::StatusOr<ChannelMessage> KernelControl::GetChannel(const std::string& name) {
  return AskOne<ChannelMessage>(KCHAN_CMD_CHANNEL_GET, name, absl::StrCat("channel ", name),
                                ParseChannel);
}

absl::StatusOr<hub::Schema> KernelControl::GetSchema(const std::string& name) {
  return AskOne<hub::Schema>(KCHAN_CMD_SCHEMA_GET, name, absl::StrCat("schema of channel ", name),
                             ParseSchema);
}

absl::StatusOr<StatsMessage> KernelControl::GetStats(const std::string& name) {
  return AskOne<StatsMessage>(KCHAN_CMD_STATS_GET, name, absl::StrCat("counters of channel ", name),
                              ParseStats);
}

absl::StatusOr<EnabledMessage> KernelControl::Enable(const std::string& name) {
  return AskOne<EnabledMessage>(KCHAN_CMD_ENABLE, name, absl::StrCat("enabling channel ", name),
                                ParseEnabled);
}

absl::StatusOr<std::vector<ChannelMessage>> KernelControl::ListChannels() {
  std::vector<ChannelMessage> channels;
  netlink::GenlRequest request(family_, KCHAN_CMD_CHANNEL_GET, KCHAN_GENL_VERSION, NLM_F_DUMP);
  const hub::KernelAnswer answer =
      Ask(request, "list of channels", [&](const netlink::GenlMessage& message) {
        auto channel = ParseChannel(message.attributes);
        // One that we cannot read is no reason not to serve the others.
        if (channel.ok()) channels.push_back(*std::move(channel));
        return absl::OkStatus();
      });
  if (!answer.status.ok()) return answer.status;
  return channels;
}

absl::Status KernelControl::Disable(const std::string& name) {
  netlink::GenlRequest request(family_, KCHAN_CMD_DISABLE, KCHAN_GENL_VERSION);
  request.PutString(KCHAN_A_CHANNEL_NAME, name);
  return Ask(request, absl::StrCat("disabling channel ", name),
             [](const netlink::GenlMessage&) { return absl::OkStatus(); })
      .status;
}

absl::Status KernelControl::Quiesce() {
  netlink::GenlRequest request(family_, KCHAN_CMD_QUIESCE, KCHAN_GENL_VERSION);
  return Ask(request, "quiescing kchan.ko",
             [](const netlink::GenlMessage&) { return absl::OkStatus(); })
      .status;
}

hub::KernelAnswer KernelControl::Send(const std::string& name, uint16_t type,
                                      std::span<const std::byte> payload) {
  netlink::GenlRequest request(family_, KCHAN_CMD_SEND, KCHAN_GENL_VERSION, NLM_F_ACK,
                               payload.size() + kRequestBytes);
  request.PutString(KCHAN_A_CHANNEL_NAME, name);
  request.PutU16(KCHAN_A_RECORD_TYPE, type);
  request.PutBytes(KCHAN_A_PAYLOAD, payload);
  return Ask(request, absl::StrCat("record to channel ", name),
             [](const netlink::GenlMessage&) { return absl::OkStatus(); });
}

hub::KernelAnswer KernelControl::Set(const std::string& name,
                                     const hub::ChannelSettings& settings) {
  netlink::GenlRequest request(family_, KCHAN_CMD_CHANNEL_SET, KCHAN_GENL_VERSION, NLM_F_ACK,
                               kRequestBytes + settings.parameters.size() * kParameterBytes);
  request.PutString(KCHAN_A_CHANNEL_NAME, name);
  if (settings.budget_bytes) request.PutU64(KCHAN_A_BUDGET_BYTES, *settings.budget_bytes);
  if (settings.linger_ms) request.PutU32(KCHAN_A_LINGER_MS, *settings.linger_ms);
  for (const auto& [parameter, value] : settings.parameters) {
    nlattr* nest = request.BeginNest(KCHAN_A_PARAM);
    request.PutString(KCHAN_PARAM_A_NAME, parameter);
    request.PutU64(KCHAN_PARAM_A_VALUE, value);
    request.EndNest(nest);
  }
  return Ask(request, absl::StrCat("settings of channel ", name),
             [](const netlink::GenlMessage&) { return absl::OkStatus(); });
}

}  // namespace kchan::source
