// SPDX-License-Identifier: Apache-2.0
#include "bridge/config/flags.h"

#include <map>
#include <string>
#include <string_view>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "bridge/config/parse.h"
#include "bridge/config/text_format.h"
#include "bridge/security/policy_file.h"

namespace kchan::config {
namespace {

const std::map<std::string, v1::Right>& Rights() {
  static const auto& rights = *new std::map<std::string, v1::Right>{{"read", v1::RIGHT_READ},
                                                                    {"control", v1::RIGHT_CONTROL}};
  return rights;
}

const std::map<std::string, v1::LogLevel>& Levels() {
  static const auto& levels =
      *new std::map<std::string, v1::LogLevel>{{"debug", v1::LOG_LEVEL_DEBUG},
                                               {"info", v1::LOG_LEVEL_INFO},
                                               {"warning", v1::LOG_LEVEL_WARNING},
                                               {"error", v1::LOG_LEVEL_ERROR}};
  return levels;
}

void AddListenFlags(CLI::App& app, Flags& flags) {
  app.add_option("--listen-unix-dir", flags.listen_unix_dir,
                 "Folder of the sockets read.sock and control.sock; empty: none")
      ->type_name("DIR");
  app.add_option("--listen-tcp", flags.listen_tcp,
                 "Address for remote clients; replaces those of the file")
      ->type_name("HOST:PORT");
  app.add_option("--tcp-right", flags.tcp_right, "What clients of --listen-tcp may do")
      ->check(CLI::IsMember({"read", "control"}));
  app.add_flag("--insecure", flags.insecure,
               "--listen-tcp without TLS; only on a loopback address");
  app.add_flag("--allow-remote-insecure", flags.allow_remote_insecure,
               "--insecure on any address: everybody who reaches it may connect");
  app.add_option("--tls-certificate", flags.tls_certificate, "Certificate of --listen-tcp (PEM)")
      ->type_name("FILE");
  app.add_option("--tls-key", flags.tls_key, "Its key (PEM)")->type_name("FILE");
  app.add_option("--tls-client-ca", flags.tls_client_ca, "Who signs clients' certificates (PEM)")
      ->type_name("FILE");
}

// The flag that gave the field of a mistake its value; empty: none did.
std::string FlagOf(const Flags& flags, std::string_view field) {
  const auto is_about = [&](std::string_view part) { return field.substr(0, part.size()) == part; };
  if (is_about("tcp_listeners") && !flags.listen_tcp.empty()) return "--listen-tcp";
  if (is_about("unix_sockets.directory") && flags.has_listen_unix_dir) return "--listen-unix-dir";
  // Neither sockets nor an address.
  if (field == "tcp_listeners" && flags.has_listen_unix_dir) return "--listen-unix-dir";
  return "";
}

// Says where the mistake is that Resolve() found.
absl::Status Located(const absl::Status& mistake, const Flags& flags, const Places& places) {
  const std::string message(mistake.message());
  const std::string field = message.substr(0, message.find(": "));
  if (const std::string flag = FlagOf(flags, field); !flag.empty()) {
    return absl::Status(mistake.code(), absl::StrCat(flag, ": ", message));
  }
  if (flags.config_file.empty()) return mistake;
  return AtItsPlace(mistake, flags.config_file, places);
}

absl::Status OverrideTcp(const Flags& flags, v1::Config& config) {
  if (flags.listen_tcp.empty()) {
    const bool has_tls =
        !flags.tls_certificate.empty() || !flags.tls_key.empty() || !flags.tls_client_ca.empty();
    if (flags.insecure || flags.allow_remote_insecure || !flags.tcp_right.empty() || has_tls) {
      return absl::InvalidArgumentError(
          "--insecure, --allow-remote-insecure, --tcp-right and --tls-* are about --listen-tcp, "
          "which is not given");
    }
    return absl::OkStatus();
  }
  config.clear_tcp_listeners();
  v1::TcpListener& tcp = *config.add_tcp_listeners();
  tcp.set_address(flags.listen_tcp);
  tcp.set_insecure(flags.insecure);
  tcp.set_allow_remote_insecure(flags.allow_remote_insecure);
  if (!flags.tcp_right.empty()) tcp.set_right(Rights().at(flags.tcp_right));
  if (!flags.tls_certificate.empty())
    tcp.mutable_tls()->set_certificate_file(flags.tls_certificate);
  if (!flags.tls_key.empty()) tcp.mutable_tls()->set_key_file(flags.tls_key);
  if (!flags.tls_client_ca.empty()) tcp.mutable_tls()->set_client_ca_file(flags.tls_client_ca);
  return absl::OkStatus();
}

absl::Status Override(const Flags& flags, v1::Config& config) {
  if (flags.has_listen_unix_dir) {
    config.mutable_unix_sockets()->set_directory(flags.listen_unix_dir);
  }
  if (!flags.node_name.empty()) config.set_node_name(flags.node_name);
  if (!flags.log_level.empty()) config.mutable_logging()->set_level(Levels().at(flags.log_level));
  if (flags.log_json) config.mutable_logging()->set_json(true);
  return OverrideTcp(flags, config);
}

}  // namespace

std::optional<Flags> ParseFlags(int argc, char** argv, const std::string& version, int* exit_code) {
  Flags flags;
  CLI::App app{"Relays the channels of this node's kernel to remote clients.", "kchand"};
  app.set_version_flag("--version", absl::StrCat("kchand ", version));
  app.add_option("--config", flags.config_file, "Configuration, in protobuf text format")
      ->type_name("FILE");
  app.add_flag("--check-config", flags.check_config,
               "Check the configuration, say what is wrong, and exit");
  app.add_flag("--quiesce-module", flags.quiesce_module,
               "Tell kchan.ko to let go of everybody who uses it, so that it can be unloaded "
               "under a running kchand, and exit");
  app.add_option("--node-name", flags.node_name, "This node's name for clients");
  AddListenFlags(app, flags);
  app.add_option("--log-level", flags.log_level, "How much to say on stderr")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  app.add_flag("--log-json", flags.log_json, "Say it as one JSON object a line");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {  // CLI11 has no other way to report
    *exit_code = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  flags.has_listen_unix_dir = app.count("--listen-unix-dir") > 0;
  return flags;
}

absl::StatusOr<Config> Load(const Flags& flags) {
  v1::Config config;
  Places places;
  if (!flags.config_file.empty()) {
    absl::StatusOr<v1::Config> file = ReadFile(flags.config_file, &places);
    if (!file.ok()) return file.status();
    config = *std::move(file);
  }
  if (absl::Status status = Override(flags, config); !status.ok()) return status;
  absl::StatusOr<Config> resolved = Resolve(config);
  if (!resolved.ok()) return Located(resolved.status(), flags, places);
  if (!resolved->policy_file.empty()) {
    auto policy = security::ReadPolicy(resolved->policy_file);
    if (!policy.ok()) return policy.status();
    resolved->server.policy = *std::move(policy);
  }
  return resolved;
}

}  // namespace kchan::config
