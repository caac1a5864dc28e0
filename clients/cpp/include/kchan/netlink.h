// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_NETLINK_H_
#define KCHAN_NETLINK_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "kchan/client.h"
#include "kchan/v1/netlink_service.pb.h"

namespace kchan {

// The generic-netlink families of the node. What they multicast are channels,
// "netlink/FAMILY/GROUP": see kchan/subscription.h, and DecodeNetlink().
//
// Of an error that the kernel gave ErrorReason() is "KERNEL_REFUSED", and
// ErrorMetadata() has "errno", "errno_name", "extended_ack", "attribute" and
// "missing_attribute", as far as the kernel told them.

// Any thread. An empty `network_namespace` is kchand's own; an `operation`, by name
// or number, leaves out what the others need.
absl::StatusOr<std::vector<v1::NetlinkFamily>> ListNetlinkFamilies(
    const Client& client, std::string_view network_namespace = {});
absl::StatusOr<v1::DescribeFamilyResponse> DescribeNetlinkFamily(
    const Client& client, std::string_view family, std::string_view network_namespace = {},
    std::string_view operation = {});

// Makes payloads of records readable, of channels of `family`: one message for
// each, in their order.
absl::StatusOr<std::vector<v1::NetlinkMessage>> DecodeNetlink(
    const Client& client, std::string_view family, const std::vector<std::string>& messages);

// NetlinkRequest asks a family, and reads what it answers. At most once: it is
// not sent again.
//
// Thread safety: Next() from one thread at a time; Cancel() from any.
//
// Lifetime: it keeps the client's connection, not the client. The destructor
// ends it, a dump too.
class NetlinkRequest {
 public:
  // `timeout` bounds the whole request.
  static std::unique_ptr<NetlinkRequest> Open(const Client& client,
                                              const v1::RequestRequest& request,
                                              absl::Duration timeout = absl::InfiniteDuration());
  ~NetlinkRequest();

  // The next part of the answer; nothing at the end, for ever. An error is the
  // end too: the daemon's, see rpc Request in the protocol.
  absl::StatusOr<std::optional<v1::RequestResponse>> Next();

  // Ends it: a Next() that waits returns CANCELLED.
  void Cancel();

 private:
  class Impl;
  explicit NetlinkRequest(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace kchan

#endif  // KCHAN_NETLINK_H_
