// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_CERTS_AUTHORITY_H_
#define KCHAN_CLIENTS_CLI_CERTS_AUTHORITY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace kchan::cli {

// Whom a certificate is for.
struct Subject {
  std::string common_name;
  std::vector<std::string> alternative_names;  // "DNS:localhost", "IP:::1", "URI:spiffe://a/b"
  bool is_server = false;                      // else a client
};

// A certificate authority in a folder, ca.pem and ca.key: for tests, first tries
// and small fleets. Keys are P-256 and readable by their owner only.
//
// Thread safety: none.
class Authority {
 public:
  // Makes the folder, if it is missing, and the authority. ALREADY_EXISTS: it
  // has one, on which other certificates rest.
  static absl::StatusOr<Authority> Make(const std::string& folder, int days);
  // NOT_FOUND: it has none.
  static absl::StatusOr<Authority> Open(const std::string& folder);

  Authority(Authority&& other) noexcept;
  ~Authority();

  // Writes NAME.pem and NAME.key, in the place of others.
  absl::Status Issue(const std::string& name, const Subject& subject, int days) const;

 private:
  struct Parts;
  explicit Authority(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace kchan::cli

#endif  // KCHAN_CLIENTS_CLI_CERTS_AUTHORITY_H_
