// SPDX-License-Identifier: Apache-2.0
#include "session.h"

#include <utility>

namespace kchan::cli {

absl::StatusOr<std::shared_ptr<Client>> Connect(const GlobalOptions& options, Right right) {
  ClientOptions client;
  client.target = options.server;
  if (client.target.empty()) {
    client.target =
        right == Right::kRead ? "unix:/run/kchan/read.sock" : "unix:/run/kchan/control.sock";
  }
  const TlsFiles& tls = options.tls;
  if (!tls.ca_file.empty() || !tls.certificate_file.empty() || !tls.key_file.empty()) {
    auto credentials = TlsCredentials(tls);
    if (!credentials.ok()) return credentials.status();
    client.credentials = *std::move(credentials);
  }
  return Client::Connect(std::move(client));
}

}  // namespace kchan::cli
