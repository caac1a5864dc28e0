// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/message_decoder.h"

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include <algorithm>

#include "bridge/netlink/spec/decode.h"

namespace kchan::netlink {

MessageDecoder::Message MessageDecoder::Split(uint16_t type,
                                              std::span<const std::byte> body) const {
  if (spec_ != nullptr && !spec_->is_generic()) return {.command = type, .rest = body};
  if (body.size() < GENL_HDRLEN) return {.command = 0, .rest = body, .is_whole = false};
  return {.command = std::to_integer<uint32_t>(body[0]), .rest = body.subspan(GENL_HDRLEN)};
}

const Operation* MessageDecoder::OperationOfReply(const Message& message,
                                                  const Operation* asked) const {
  if (spec_ == nullptr) return nullptr;
  return asked != nullptr
             ? asked
             : spec_->FindMessage(Direction::kReply, static_cast<uint16_t>(message.command));
}

DecodedMessage MessageDecoder::Decode(const Message& message, const Operation* operation) const {
  DecodedMessage decoded{.command = message.command};
  if (!message.is_whole) return decoded;
  if (operation != nullptr) {
    decoded.operation = operation->name;
    decoded.by_spec = true;
    decoded.attributes = netlink::Decode(operation->layout, message.rest);
    return decoded;
  }
  const size_t header = std::min<size_t>(NLMSG_ALIGN(size_t{header_bytes_}), message.rest.size());
  decoded.attributes = netlink::Decode(Layout{}, message.rest.subspan(header));
  return decoded;
}

DecodedMessage MessageDecoder::DecodeReply(uint16_t type, std::span<const std::byte> body,
                                           const Operation* asked) const {
  const Message message = Split(type, body);
  return Decode(message, OperationOfReply(message, asked));
}

DecodedMessage MessageDecoder::DecodeNotification(std::span<const std::byte> body) const {
  const Message message = Split(0, body);
  const Operation* operation = nullptr;
  if (spec_ != nullptr) {
    operation =
        spec_->FindMessage(Direction::kNotification, static_cast<uint16_t>(message.command));
  }
  return Decode(message, operation);
}

std::string MessageDecoder::NameOfReply(uint16_t type, std::span<const std::byte> body,
                                        const Operation* asked) const {
  const Operation* const operation = OperationOfReply(Split(type, body), asked);
  return operation == nullptr ? std::string() : operation->name;
}

}  // namespace kchan::netlink
