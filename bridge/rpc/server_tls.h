// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_SERVER_TLS_H_
#define KCHAN_BRIDGE_RPC_SERVER_TLS_H_

#include <grpc/grpc_security.h>

#include <memory>
#include <mutex>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/security/certificates.h"
#include "grpcpp/security/server_credentials.h"

namespace kchan::rpc {

// The certificates of one TLS listener, and gRPC's credentials with them. gRPC asks
// for them at each handshake, so that new ones count from the next on; connections
// that are there stay. Files that make no sense are not taken: what was read before
// goes on. gRPC speaks TLS 1.2 and 1.3.
//
// Thread safety: any thread.
//
// Lifetime: outlives the server that it was given to.
class ServerTls {
 public:
  // Fails if the files make no sense.
  static absl::StatusOr<std::unique_ptr<ServerTls>> Open(const security::TlsFiles& files);

  // Once, for one address.
  std::shared_ptr<grpc::ServerCredentials> Credentials();

  // Reads the files again. Not OK: they make no sense now, or have expired while
  // what there is has not, and are not used.
  absl::Status Reload();

  const security::TlsFiles& files() const { return files_; }
  security::Certificates certificates() const;

 private:
  ServerTls(security::TlsFiles files, security::Certificates certificates);

  static grpc_ssl_certificate_config_reload_status Fetch(
      void* tls, grpc_ssl_server_certificate_config** config);

  const security::TlsFiles files_;
  mutable std::mutex mutex_;
  security::Certificates certificates_;  // guarded by mutex_
  bool is_new_ = true;                   // guarded by mutex_; gRPC does not have them yet
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_SERVER_TLS_H_
