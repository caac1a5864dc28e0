// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SECURITY_IDENTITY_H_
#define KCHAN_BRIDGE_SECURITY_IDENTITY_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace kchan::security {

// Who a client is. Each name begins with its kind, so that no certificate can
// have the name of a socket: "spiffe://..", "uri:..", "dns:..", "cn:..",
// "unix:..", "anonymous:..".
struct Identity {
  // Never empty; printable. A policy may know the client by any of them, people
  // and the audit by the first.
  std::vector<std::string> names = {};
  bool has_certificate = false;  // that was verified

  const std::string& name() const { return names.front(); }
};

// Of a verified certificate: its URIs, then its DNS names; the common name only
// where there is neither.
Identity OfCertificate(const std::vector<std::string>& uris, const std::vector<std::string>& dns,
                       const std::string& common_name);

// Of whoever could connect to a Unix socket: the listener's name, "unix:read".
Identity OfUnixListener(const std::string& name);

// Of clients over TCP that showed no certificate.
Identity OfAnonymous(bool has_tls);

// The same from its name, as a person writes it: to explain a policy.
Identity OfName(const std::string& name);

// INVALID_ARGUMENT unless `name`, or glob of names, begins with a kind.
absl::Status CheckIdentityGlob(std::string_view name);

}  // namespace kchan::security

#endif  // KCHAN_BRIDGE_SECURITY_IDENTITY_H_
