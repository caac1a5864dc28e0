// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_NETLINK_RULES_H_
#define KCHAN_BRIDGE_NETLINK_NETLINK_RULES_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace kchan::netlink {

// An operation that a client asks for, or a group that it reads.
struct Wanted {
  std::string family;
  std::string name;     // of the operation or group; empty: not known
  uint32_t number = 0;  // of the operation
  bool is_group = false;
  bool is_dump = false;
  // The kernel says that it is for CAP_NET_ADMIN. Not known of groups.
  bool is_reserved = false;
};

// What a client may of what the rules open: PERMISSION_DENIED, or whether it may
// have what is privileged.
using ClientRights = std::function<absl::StatusOr<bool>(const Wanted& wanted)>;

// With what the kernel is asked.
enum class Privilege : uint8_t {
  kNone,  // as any process: what that is refused, is refused
  kOwn,   // with kchand's capabilities
};

// What clients may ask families for: what the kernel lets any process do, unless
// the operator has narrowed it; and what the operator has opened, for those with
// the control right.
//
// A rule is a glob of families, or of FAMILY:NAME; names are an operation's in
// its specification, its number, or a group's.
//
// Thread safety: immutable.
class NetlinkRules {
 public:
  NetlinkRules(std::vector<std::string> read, std::vector<std::string> privileged)
      : read_(std::move(read)), privileged_(std::move(privileged)) {}

  // INVALID_ARGUMENT if it is none.
  static absl::Status CheckRule(std::string_view rule);

  // PERMISSION_DENIED says which line of the configuration would open it.
  absl::StatusOr<Privilege> Check(const Wanted& wanted, bool has_control) const;

  // What would open it, for an error of the kernel's.
  static std::string Remedy(const Wanted& wanted);

  // Whether one rule opens it; whether one rule opens anything of a family.
  static bool Matches(std::string_view rule, const Wanted& wanted);
  static bool IsAbout(std::string_view rule, std::string_view family);

 private:
  const std::vector<std::string> read_;
  const std::vector<std::string> privileged_;
};

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_NETLINK_RULES_H_
