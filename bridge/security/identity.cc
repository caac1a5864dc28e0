// SPDX-License-Identifier: Apache-2.0
#include "bridge/security/identity.h"

#include <array>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "bridge/hub/subscription.h"

namespace kchan::security {
namespace {

constexpr std::string_view kSpiffe = "spiffe://";
constexpr std::array<std::string_view, 6> kKinds = {
    kSpiffe, "uri:", "dns:", "cn:", "unix:", "anonymous:"};
// Of which the kind comes from a certificate.
constexpr size_t kCertificateKinds = 4;

// Rules are matched against each name of each call: no certificate may make that
// slow. What is beyond gives no right.
constexpr size_t kMaxNames = 64;
constexpr size_t kMaxNameBytes = 2048;

void Add(std::string_view kind, const std::string& name, Identity& to) {
  if (name.empty() || name.size() > kMaxNameBytes || to.names.size() == kMaxNames) return;
  // A certificate may hold any bytes, also ones that end a line or a C string.
  to.names.push_back(absl::StrCat(std::string(kind), absl::CEscape(name)));
}

}  // namespace

Identity OfCertificate(const std::vector<std::string>& uris, const std::vector<std::string>& dns,
                       const std::string& common_name) {
  Identity identity{.names = {}, .has_certificate = true};
  for (const std::string& uri : uris) Add(uri.starts_with(kSpiffe) ? "" : "uri:", uri, identity);
  for (const std::string& name : dns) Add("dns:", name, identity);
  if (uris.empty() && dns.empty()) Add("cn:", common_name, identity);
  // Of no kind that a rule can name.
  if (identity.names.empty()) identity.names.emplace_back("certificate-without-name");
  return identity;
}

Identity OfUnixListener(const std::string& name) { return {.names = {name}}; }

Identity OfAnonymous(bool has_tls) {
  return {.names = {has_tls ? "anonymous:tls" : "anonymous:insecure"}};
}

Identity OfName(const std::string& name) {
  Identity identity{.names = {name}};
  for (size_t i = 0; i < kCertificateKinds; ++i) {
    identity.has_certificate = identity.has_certificate || name.starts_with(kKinds[i]);
  }
  return identity;
}

absl::Status CheckIdentityGlob(std::string_view name) {
  for (const std::string_view kind : kKinds) {
    if (!name.starts_with(kind) || name.size() == kind.size()) continue;
    return hub::CheckGlob(name);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", absl::CEscape(std::string(name)),
                   "\" must be spiffe://.., uri:.., dns:.., cn:.., unix:.. or anonymous:.., or the "
                   "word any-certificate or anyone"));
}

}  // namespace kchan::security
