// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_NETLINK_FAMILY_TEXT_H_
#define KCHAN_CLIENTS_CLI_NETLINK_FAMILY_TEXT_H_

#include <string>
#include <vector>

#include "kchan/v1/netlink_service.pb.h"

// Netlink families for people.
namespace kchan::cli {

std::string FamiliesText(const std::vector<v1::NetlinkFamily>& families);

// A whole family: what it can be asked, what it multicasts, and, where no
// specification says more, what the kernel takes.
std::string FamilyText(const v1::DescribeFamilyResponse& described);

// "do, dump", "admin of the namespace".
std::string ModesText(const v1::NetlinkOperation& operation);
std::string PrivilegeText(v1::NetlinkPrivilege privilege);
// ", 1 to 4095, at most 16 bytes"; empty if all is allowed.
std::string LimitsText(const v1::NetlinkAttributePolicy& attribute);
// What requests may hold by the kernel's policies, as a table.
std::string PoliciesText(const v1::DescribeFamilyResponse& described);

}  // namespace kchan::cli

#endif  // KCHAN_CLIENTS_CLI_NETLINK_FAMILY_TEXT_H_
