// SPDX-License-Identifier: Apache-2.0
#include "session.h"

#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace kchan::cli {
namespace {

constexpr char kReadSocket[] = "/run/kchan/read.sock";
constexpr char kControlSocket[] = "/run/kchan/control.sock";

}  // namespace

absl::StatusOr<std::shared_ptr<Client>> Connect(const GlobalOptions& options, Right right) {
  ClientOptions client;
  client.target = options.server;
  client.call_timeout = options.call_timeout;
  if (client.target.empty()) {
    const bool is_control =
        right == Right::kControl || (right == Right::kMost && access(kControlSocket, W_OK) == 0);
    client.target = absl::StrCat("unix:", is_control ? kControlSocket : kReadSocket);
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
