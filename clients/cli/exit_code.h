// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_EXIT_CODE_H_
#define KCHAN_CLIENTS_CLI_EXIT_CODE_H_

namespace kchan::cli {

// What `kchan` returns to the shell; `kchan --help` shows the same list.
enum ExitCode : int {
  kOk = 0,           // done; a tail that was interrupted, too
  kError = 1,        // the daemon or the kernel refused, or is not healthy
  kUsage = 2,        // the command line makes no sense
  kUnavailable = 3,  // the daemon cannot be reached
};

}  // namespace kchan::cli

#endif  // KCHAN_CLIENTS_CLI_EXIT_CODE_H_
