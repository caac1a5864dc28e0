// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_CONFIG_FLAGS_H_
#define KCHAN_BRIDGE_CONFIG_FLAGS_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "bridge/config/config.h"

namespace kchan::config {

// kchand's command line. What is given overrides the file.
struct Flags {
  std::string config_file;
  std::string listen_unix_dir;
  bool has_listen_unix_dir = false;  // given, perhaps empty: no Unix sockets
  std::string listen_tcp;
  std::string tcp_right;
  std::string tls_certificate;
  std::string tls_key;
  std::string tls_client_ca;
  std::string node_name;
  std::string log_level;
  bool insecure = false;
  bool allow_remote_insecure = false;
  bool log_json = false;
  bool check_config = false;
  bool quiesce_module = false;
};

// Nothing if the program is done (--help, --version, a mistake): *exit_code
// is set then, and what there is to say has been printed.
std::optional<Flags> ParseFlags(int argc, char** argv, const std::string& version, int* exit_code);

// Reads the file that the flags name, applies the flags, resolves, and reads the
// policy. May be
// called again to read the file again. What is wrong is said as
// "FILE:LINE:COLUMN: FIELD: what", or "FLAG: FIELD: what".
absl::StatusOr<Config> Load(const Flags& flags);

}  // namespace kchan::config

#endif  // KCHAN_BRIDGE_CONFIG_FLAGS_H_
