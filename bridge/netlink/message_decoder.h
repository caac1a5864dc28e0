// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_MESSAGE_DECODER_H_
#define KCHAN_BRIDGE_NETLINK_MESSAGE_DECODER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "bridge/netlink/spec/spec.h"
#include "google/protobuf/struct.pb.h"

namespace kchan::netlink {

// One message, as a client sees it.
struct DecodedMessage {
  uint32_t command = 0;
  std::string operation = {};  // its name; empty: not known
  // Nothing: the message is malformed, or nobody asked.
  std::optional<google::protobuf::Struct> attributes = std::nullopt;
  bool by_spec = false;  // else a tree of numbers and bytes
};

// Makes messages of one family readable.
//
// Thread safety: immutable.
class MessageDecoder {
 public:
  // `spec` may be null; then `header_bytes`, of the family's own header, are
  // left out of the tree.
  MessageDecoder(std::shared_ptr<const Spec> spec, uint32_t header_bytes)
      : spec_(std::move(spec)), header_bytes_(header_bytes) {}

  // A reply to `asked`; null: not known. `body` is behind the netlink header,
  // `type` is that header's.
  DecodedMessage DecodeReply(uint16_t type, std::span<const std::byte> body,
                             const Operation* asked) const;
  // Something that a group was told, from the generic-netlink header on.
  DecodedMessage DecodeNotification(std::span<const std::byte> body) const;
  // The name of a reply or notification; empty: not known.
  std::string NameOfReply(uint16_t type, std::span<const std::byte> body,
                          const Operation* asked) const;

 private:
  struct Message {
    uint32_t command = 0;
    std::span<const std::byte> rest;  // behind the generic-netlink header
    bool is_whole = true;
  };
  Message Split(uint16_t type, std::span<const std::byte> body) const;
  const Operation* OperationOfReply(const Message& message, const Operation* asked) const;
  DecodedMessage Decode(const Message& message, const Operation* operation) const;

  const std::shared_ptr<const Spec> spec_;
  const uint32_t header_bytes_;
};

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_MESSAGE_DECODER_H_
