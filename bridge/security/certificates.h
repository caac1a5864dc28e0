// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SECURITY_CERTIFICATES_H_
#define KCHAN_BRIDGE_SECURITY_CERTIFICATES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace kchan::security {

// Certificates and keys of a TLS listener, in files that are read again when they change.
struct TlsFiles {
  std::string certificate_file;
  std::string key_file;
  std::string client_ca_file;  // empty: clients are not verified

  friend bool operator==(const TlsFiles&, const TlsFiles&) = default;
};

// What was in them, in PEM, checked: gRPC would take anything, and then fail each
// handshake without saying why.
struct Certificates {
  std::string chain;
  std::string key;
  std::string client_ca;  // empty: there is no such file
  // When the first of the chain, or the last of the authorities, ends.
  absl::Time expires;
  absl::Time client_ca_expires = absl::InfiniteFuture();

  friend bool operator==(const Certificates&, const Certificates&) = default;
};

// Fails, naming the file, if one cannot be read, holds no certificate or key, or
// if the key is not the certificate's. Certificates that have expired are read.
absl::StatusOr<Certificates> ReadCertificates(const TlsFiles& files);

}  // namespace kchan::security

#endif  // KCHAN_BRIDGE_SECURITY_CERTIFICATES_H_
