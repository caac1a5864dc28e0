// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_NETLINK_LISTEN_H_
#define KCHAN_CLIENTS_CLI_NETLINK_LISTEN_H_

#include <CLI/App.hpp>

#include "commands.h"

namespace kchan::cli {

// Adds `listen` to `kchan netlink`.
void AddNetlinkListen(CLI::App& netlink, const GlobalOptions& options, Command* chosen);

}  // namespace kchan::cli

#endif  // KCHAN_CLIENTS_CLI_NETLINK_LISTEN_H_
