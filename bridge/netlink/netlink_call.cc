// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/netlink_call.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "bridge/netlink/genl_policy.h"
#include "bridge/netlink/spec/attribute_path.h"
#include "bridge/netlink/unprivileged.h"

namespace kchan::netlink {
namespace {

// " (0 to 4095)", as far as the kernel says what it would take.
std::string AllowedText(std::span<const std::byte> attributes) {
  const auto policy = ParseAttributePolicy(attributes);
  if (!policy.ok()) return {};
  if (policy->min_value && policy->max_value) {
    return absl::StrCat(", which may be ", *policy->min_value, " to ", *policy->max_value);
  }
  if (policy->min_signed_value && policy->max_signed_value) {
    return absl::StrCat(", which may be ", *policy->min_signed_value, " to ",
                        *policy->max_signed_value);
  }
  if (policy->mask) return absl::StrCat(", which may have the bits 0x", absl::Hex(*policy->mask));
  if (policy->max_bytes) {
    return absl::StrCat(", which may have ", policy->min_bytes.value_or(0), " to ",
                        *policy->max_bytes, " bytes");
  }
  return {};
}

// Runs `call` with the capabilities that the request may have.
template <typename Call>
absl::Status With(Privilege privilege, Call call) {
  if (privilege == Privilege::kOwn) return call();
  const Unprivileged unprivileged;
  return unprivileged.status().ok() ? call() : unprivileged.status();
}

}  // namespace

NetlinkCall::NetlinkCall(PreparedRequest request, const WakeEvent& wake)
    : request_(std::move(request)), decoder_(request_.spec, request_.family_header_bytes) {
  request_.socket->WakeOn(wake.fd());
}

absl::Status NetlinkCall::Send() {
  ++sequence_;
  std::memcpy(request_.message.data() + offsetof(nlmsghdr, nlmsg_seq), &sequence_,
              sizeof(sequence_));
  answer_.emplace(*request_.socket, request_.message);
  return request_.socket->Send(request_.message);
}

absl::StatusOr<AnswerPart> NetlinkCall::Next(absl::Time deadline) {
  AnswerPart part;
  // A dump goes on, and is checked again, while it is received.
  const absl::Status status = With(request_.privilege, [&]() -> absl::Status {
    if (!answer_) {
      if (absl::Status sent = Send(); !sent.ok()) return sent;
    }
    const absl::Duration left = std::max(absl::ZeroDuration(), deadline - absl::Now());
    return answer_->Read(std::min(left, request_.timeout),
                         [&](const nlmsghdr& header, auto payload) {
                           part.replies.push_back(ToReply(header, payload));
                           return absl::OkStatus();
                         });
  });
  if (!status.ok()) {
    return absl::Status(status.code(), absl::StrCat(request_.what, ": ", status.message()));
  }
  if (answer_->is_over()) {
    if (absl::Status finished = Finish(part); !finished.ok()) return finished;
  }
  return part;
}

absl::Status NetlinkCall::Finish(AnswerPart& part) {
  const NetlinkAck& ack = answer_->ack();
  // A dump that has found a change may also end with an error for it.
  const bool interrupted = ack.dump_interrupted || (request_.wanted.is_dump && ack.error == EINTR);
  if (interrupted && request_.max_restarts > 0) {
    --request_.max_restarts;
    part = {.replies = {}, .restarted = true};
    return With(request_.privilege, [&] { return Send(); });
  }
  if (ack.error != 0 && !(interrupted && ack.error == EINTR)) return Refused(ack);
  part.is_last = true;
  part.interrupted = interrupted;
  return absl::OkStatus();
}

Reply NetlinkCall::ToReply(const nlmsghdr& header, std::span<const std::byte> payload) const {
  Reply reply;
  reply.message = decoder_.DecodeReply(header.nlmsg_type, payload, request_.operation);
  if (!request_.form.decoded) reply.message.attributes.reset();
  if (request_.form.raw) {
    reply.raw.assign(reinterpret_cast<const char*>(payload.data()), payload.size());
  }
  return reply;
}

absl::Status NetlinkCall::Refused(const NetlinkAck& ack) {
  Refusal& refusal = refusal_.emplace();
  refusal.error = ack.error;
  refusal.extended_ack = ack.message;
  const Layout layout = request_.operation == nullptr ? Layout{} : request_.operation->layout;
  const std::span<const std::byte> body =
      std::span<const std::byte>(request_.message).subspan(request_.header_bytes);
  const auto in_body = [&](uint32_t offset) -> std::optional<size_t> {
    if (offset < request_.header_bytes) return std::nullopt;
    return offset - request_.header_bytes;
  };
  std::string text = request_.what;
  if (!ack.message.empty()) absl::StrAppend(&text, ": ", ack.message);
  if (const auto offset = ack.bad_offset ? in_body(*ack.bad_offset) : std::nullopt) {
    refusal.attribute = PathAt(layout, body, *offset);
  }
  if (!refusal.attribute.empty()) {
    absl::StrAppend(&text, " (attribute ", refusal.attribute, AllowedText(ack.policy), ")");
  }
  if (ack.missing_attribute) {
    refusal.missing_attribute =
        MissingPath(layout, body, *ack.missing_attribute,
                    ack.missing_nest_offset ? in_body(*ack.missing_nest_offset) : std::nullopt);
    absl::StrAppend(&text, " (attribute ", refusal.missing_attribute, " is missing)");
  }
  const absl::Status status = absl::ErrnoToStatus(ack.error, text);
  if (ack.error != EPERM && ack.error != EACCES) return status;
  return absl::PermissionDeniedError(
      absl::StrCat(status.message(), ": ",
                   is_privileged() ? "kchand itself lacks a capability, such as CAP_NET_ADMIN"
                                   : NetlinkRules::Remedy(request_.wanted)));
}

}  // namespace kchan::netlink
