// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_SESSION_H_
#define KCHAN_CLIENTS_CLI_SESSION_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "kchan/client.h"

namespace kchan::cli {

// What a command asks of the daemon; each right has its own Unix socket. kMost:
// control for who may connect to that, else read.
enum class Right { kRead, kControl, kMost };

// The options that every command takes.
struct GlobalOptions {
  std::string server;  // empty: the socket of the right, in its usual place
  TlsFiles tls;
  absl::Duration call_timeout = absl::Seconds(10);
};

absl::StatusOr<std::shared_ptr<Client>> Connect(const GlobalOptions& options, Right right);

}  // namespace kchan::cli

#endif  // KCHAN_CLIENTS_CLI_SESSION_H_
