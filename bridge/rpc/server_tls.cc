// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/server_tls.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "grpc/grpc.h"

namespace kchan::rpc {
namespace {

// The C++ API offers files that are watched, and takes from them whatever is there
// (1.51 then fails every handshake), or certificates that never change. C core asks
// a function.
class FetchedCredentials final : public grpc::ServerCredentials {
 public:
#ifdef KCHAN_GRPC_CREDENTIALS_HOLD_CORE
  explicit FetchedCredentials(grpc_server_credentials* core) : ServerCredentials(core) {}
#else
  explicit FetchedCredentials(grpc_server_credentials* core) : core_(core) {}
  ~FetchedCredentials() override { grpc_server_credentials_release(core_); }

  // Of tokens, which nobody sends.
  void SetAuthMetadataProcessor(
      const std::shared_ptr<grpc::AuthMetadataProcessor>& /*processor*/) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), core_);
  }

  grpc_server_credentials* const core_;
#endif
};

}  // namespace

absl::StatusOr<std::unique_ptr<ServerTls>> ServerTls::Open(const security::TlsFiles& files) {
  auto certificates = security::ReadCertificates(files);
  if (!certificates.ok()) return certificates.status();
  return std::unique_ptr<ServerTls>(new ServerTls(files, *std::move(certificates)));
}

ServerTls::ServerTls(security::TlsFiles files, security::Certificates certificates)
    : files_(std::move(files)), certificates_(std::move(certificates)) {}

std::shared_ptr<grpc::ServerCredentials> ServerTls::Credentials() {
  const auto request = files_.client_ca_file.empty()
                           ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                           : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  return std::make_shared<FetchedCredentials>(grpc_ssl_server_credentials_create_with_options(
      grpc_ssl_server_credentials_create_options_using_config_fetcher(request, &Fetch, this)));
}

absl::Status ServerTls::Reload() {
  auto read = security::ReadCertificates(files_);
  if (!read.ok()) return read.status();
  const std::lock_guard lock(mutex_);
  if (*read == certificates_) return absl::OkStatus();
  const absl::Time now = absl::Now();
  if (read->expires <= now && certificates_.expires > now) {
    return absl::FailedPreconditionError(
        absl::StrCat("certificate ", files_.certificate_file, " has expired already"));
  }
  certificates_ = *std::move(read);
  is_new_ = true;
  return absl::OkStatus();
}

security::Certificates ServerTls::certificates() const {
  const std::lock_guard lock(mutex_);
  return certificates_;
}

grpc_ssl_certificate_config_reload_status ServerTls::Fetch(
    void* tls, grpc_ssl_server_certificate_config** config) {
  auto& self = *static_cast<ServerTls*>(tls);
  const std::lock_guard lock(self.mutex_);
  if (!std::exchange(self.is_new_, false)) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
  const security::Certificates& now = self.certificates_;
  const grpc_ssl_pem_key_cert_pair pair{now.key.c_str(), now.chain.c_str()};
  // gRPC wants authorities also where it asks nobody for a certificate.
  const std::string& roots = now.client_ca.empty() ? now.chain : now.client_ca;
  *config = grpc_ssl_server_certificate_config_create(roots.c_str(), &pair, 1);
  return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

}  // namespace kchan::rpc
