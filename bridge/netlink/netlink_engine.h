// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_NETLINK_ENGINE_H_
#define KCHAN_BRIDGE_NETLINK_NETLINK_ENGINE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/netlink/genl_family.h"
#include "bridge/netlink/genl_policy.h"
#include "bridge/netlink/genl_socket.h"
#include "bridge/netlink/message_decoder.h"
#include "bridge/netlink/netlink_call.h"
#include "bridge/netlink/netlink_options.h"
#include "bridge/netlink/netlink_rules.h"
#include "bridge/netlink/spec/spec_catalogue.h"
#include "google/protobuf/struct.pb.h"

namespace kchan::netlink {

// Why classic netlink is closed, for people.
extern const char kClassicNetlinkIsClosed[];

// What a client asks for.
struct NetlinkRequest {
  std::string family;
  std::string operation;  // its name in the specification, or its number
  bool is_dump = false;
  // What it holds: attributes by name, or bytes.
  const google::protobuf::Struct* attributes = nullptr;
  std::string_view raw = {};
  ReplyForm form = {};
  std::string network_namespace = {};
  uint32_t max_restarts = 0;
  ClientRights rights = {};  // of the client; needed
};

// A family, with what is known of it. Of families of classic netlink, which
// nlctrl does not list, only the specification.
struct KnownFamily {
  GenlFamily family;
  std::shared_ptr<const Spec> spec;  // null: none
};

struct DescribedFamily {
  KnownFamily known;
  FamilyPolicies policies;
};

// A family has no operation of this name; without a specification none has.
absl::Status NoOperation(const Spec* spec, const std::string& family, const std::string& operation);

// Asks the kernel's netlink families on behalf of clients.
//
// Thread safety: any thread. All but Decoder() may block, though not for long
// unless a family does.
class NetlinkEngine {
 public:
  explicit NetlinkEngine(NetlinkOptions options);

  // NOT_FOUND: no such network namespace.
  absl::StatusOr<std::vector<KnownFamily>> ListFamilies(const std::string& network_namespace) const;
  // NOT_FOUND: no such family either.
  absl::StatusOr<DescribedFamily> Describe(const std::string& family,
                                           const std::string& network_namespace) const;
  // Finds the family and the operation, checks whether the client may, and
  // encodes; nothing is sent before NetlinkCall::Next(). `wake` outlives it.
  absl::StatusOr<std::unique_ptr<NetlinkCall>> Begin(const NetlinkRequest& request,
                                                     const WakeEvent& wake) const;
  // Of the messages of a family, which need not be registered.
  MessageDecoder Decoder(const std::string& family) const;

  const SpecCatalogue& specs() const { return specs_; }

 private:
  absl::StatusOr<std::unique_ptr<NetlinkSocket>> OpenSocket(const std::string& network_namespace,
                                                            int protocol) const;
  // With what it is asked; PERMISSION_DENIED: this client may not, or nobody.
  absl::StatusOr<Privilege> Check(const NetlinkRequest& request, const Wanted& wanted) const;
  absl::StatusOr<PreparedRequest> PrepareGeneric(const NetlinkRequest& request,
                                                 std::shared_ptr<const Spec> spec) const;
  absl::StatusOr<PreparedRequest> PrepareClassic(const NetlinkRequest& request,
                                                 std::shared_ptr<const Spec> spec) const;

  const NetlinkOptions options_;
  const NetlinkRules rules_;
  const SpecCatalogue specs_;
};

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_NETLINK_ENGINE_H_
