// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_VALUE_WATCH_H_
#define KCHAN_CLIENTS_CLI_VALUE_WATCH_H_

#include "commands.h"

namespace kchan::cli {

// Adds `watch` to `kchan value`; as the functions of commands.h.
void AddValueWatch(CLI::App& value, const GlobalOptions& global, Command* chosen);

}  // namespace kchan::cli

#endif  // KCHAN_CLIENTS_CLI_VALUE_WATCH_H_
