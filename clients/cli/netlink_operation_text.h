// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_NETLINK_OPERATION_TEXT_H_
#define KCHAN_CLIENTS_CLI_NETLINK_OPERATION_TEXT_H_

#include <string>

#include "kchan/v1/netlink_service.pb.h"

namespace kchan::cli {

// Each operation of the description for people: what a request may hold, what is
// answered, and what the values are called. An attribute set is shown where it is
// first met.
std::string OperationsText(const v1::DescribeFamilyResponse& described);

}  // namespace kchan::cli

#endif  // KCHAN_CLIENTS_CLI_NETLINK_OPERATION_TEXT_H_
