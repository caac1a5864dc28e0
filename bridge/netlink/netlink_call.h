// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_NETLINK_CALL_H_
#define KCHAN_BRIDGE_NETLINK_NETLINK_CALL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bridge/netlink/message_decoder.h"
#include "bridge/netlink/netlink_answer.h"
#include "bridge/netlink/netlink_rules.h"
#include "bridge/netlink/netlink_socket.h"
#include "bridge/netlink/spec/spec.h"
#include "bridge/netlink/wake_event.h"

namespace kchan::netlink {

// How replies are wanted.
struct ReplyForm {
  bool decoded = true;
  bool raw = false;
};

struct Reply {
  DecodedMessage message;
  std::string raw;
};

// Some of an answer: what came in one datagram.
struct AnswerPart {
  std::vector<Reply> replies;
  bool is_last = false;
  bool interrupted = false;  // with the last: the dump may be inconsistent
  bool restarted = false;    // the dump begins again; what came before counts no more
};

// What the kernel said when it refused.
struct Refusal {
  int error = 0;  // positive
  std::string extended_ack;
  std::string attribute;          // the path of the one that is wrong
  std::string missing_attribute;  // ... that is missing
};

// What a request is made of, ready to be sent.
struct PreparedRequest {
  std::string what;  // "ethtool rings-get", for people
  std::unique_ptr<NetlinkSocket> socket;
  std::vector<std::byte> message;        // with its netlink header, without a sequence
  size_t header_bytes = 0;               // netlink's and generic netlink's, in `message`
  std::shared_ptr<const Spec> spec;      // null: none is known
  const Operation* operation = nullptr;  // of `spec`
  uint32_t family_header_bytes = 0;
  Wanted wanted;
  Privilege privilege = Privilege::kNone;
  ReplyForm form;
  uint32_t max_restarts = 0;
  absl::Duration timeout;  // for each datagram
};

// One request to the kernel and its answer, on a socket of its own: closing that
// is what ends a dump.
//
// Thread safety: Next() from one thread at a time, which may block.
class NetlinkCall {
 public:
  // `wake`, which outlives it, ends a wait.
  NetlinkCall(PreparedRequest request, const WakeEvent& wake);

  // Sends the request, the first time, and waits for the next part of the answer
  // up to `deadline`. Not called again after the last one or an error. Of an
  // error that the kernel gave, refusal() says more. DEADLINE_EXCEEDED: it has
  // not answered; also if it was woken.
  absl::StatusOr<AnswerPart> Next(absl::Time deadline);

  const std::optional<Refusal>& refusal() const { return refusal_; }
  const std::string& what() const { return request_.what; }
  // Whether the kernel is asked with kchand's own capabilities.
  bool is_privileged() const { return request_.privilege == Privilege::kOwn; }

 private:
  absl::Status Send();
  Reply ToReply(const nlmsghdr& header, std::span<const std::byte> payload) const;
  absl::Status Finish(AnswerPart& part);
  absl::Status Refused(const NetlinkAck& ack);

  PreparedRequest request_;
  const MessageDecoder decoder_;
  uint32_t sequence_ = 0;
  std::optional<NetlinkAnswer> answer_;
  std::optional<Refusal> refusal_;
};

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_NETLINK_CALL_H_
