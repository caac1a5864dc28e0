// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_REQUEST_MESSAGE_H_
#define KCHAN_BRIDGE_NETLINK_REQUEST_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "bridge/netlink/spec/spec.h"
#include "google/protobuf/struct.pb.h"

namespace kchan::netlink {

// A request whose content is a client's: a netlink header, and bytes behind it.
class RequestMessage {
 public:
  // `type`: a family's id, or an operation of classic netlink. A request for a
  // dump, or one that is acknowledged: strict operations take no other flag.
  RequestMessage(uint16_t type, bool is_dump);

  void Append(std::span<const std::byte> bytes);
  size_t size() const { return bytes_.size(); }
  // The whole message; its sequence is 0.
  std::vector<std::byte> Finish() &&;

 private:
  std::vector<std::byte> bytes_;
};

// Appends a client's content: `attributes` by the names of `operation` if there
// are some, else `raw`, both behind the family's own header. With neither, that
// header of zeros. INVALID_ARGUMENT names the field that is wrong.
absl::Status AppendContent(const google::protobuf::Struct* attributes, std::string_view raw,
                           const Operation* operation, uint32_t family_header_bytes,
                           RequestMessage& message);

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_REQUEST_MESSAGE_H_
