// SPDX-License-Identifier: Apache-2.0
// Certificates for tests and first tries.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "certs/authority.h"
#include "commands.h"
#include "explain.h"
#include "output.h"

namespace kchan::cli {
namespace {

constexpr int kMaxDays = 36'500;

struct CertsOptions {
  std::string folder;
  std::vector<std::string> names;
  std::string file;
  int days = 825;
};

bool IsAddress(const std::string& name) {
  in6_addr address{};
  return inet_pton(AF_INET, name.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, name.c_str(), &address) == 1;
}

Subject ServerSubject(const std::vector<std::string>& names) {
  Subject subject{.common_name = names.front(), .alternative_names = {}, .is_server = true};
  for (const std::string& name : names) {
    subject.alternative_names.push_back(absl::StrCat(IsAddress(name) ? "IP:" : "DNS:", name));
  }
  return subject;
}

// A URI, or a common name alone: what kchand then calls it.
Subject ClientSubject(const std::string& name) {
  if (name.find("://") == std::string::npos) return {.common_name = name, .alternative_names = {}};
  return {.common_name = "client", .alternative_names = {absl::StrCat("URI:", name)}};
}

std::vector<std::string> NamesOfThisMachine() {
  std::vector<std::string> names = {"localhost", "127.0.0.1", "::1"};
  std::array<char, HOST_NAME_MAX + 1> host{};
  if (gethostname(host.data(), host.size() - 1) == 0 && host[0] != '\0') {
    names.emplace_back(host.data());
  }
  return names;
}

ExitCode Issue(const Authority& authority, const std::string& folder, const std::string& file,
               const Subject& subject, int days) {
  if (file.empty() || file == "ca" || file.find('/') != std::string::npos) {
    Explain(absl::InvalidArgumentError("--file must be a name in the folder, and not ca"));
    return kUsage;
  }
  if (absl::Status status = authority.Issue(file, subject, days); !status.ok()) {
    return Explain(status);
  }
  Print(absl::StrCat(
      folder, "/", file, ".pem and .key: ", subject.is_server ? "server" : "client", " ",
      subject.alternative_names.empty() || subject.is_server ? subject.common_name
                                                             : subject.alternative_names.front(),
      "\n"));
  return kOk;
}

ExitCode Init(const CertsOptions& certs) {
  const auto authority = Authority::Make(certs.folder, certs.days);
  if (!authority.ok()) return Explain(authority.status());
  Print(absl::StrCat(certs.folder, "/ca.pem and .key: the authority; keep ca.key to yourself\n"));
  const ExitCode code =
      Issue(*authority, certs.folder, "server", ServerSubject(NamesOfThisMachine()), certs.days);
  if (code != kOk) return code;
  return Issue(*authority, certs.folder, "client", ClientSubject("client"), certs.days);
}

ExitCode IssueTo(const CertsOptions& certs, const Subject& subject) {
  const auto authority = Authority::Open(certs.folder);
  if (!authority.ok()) return Explain(authority.status());
  return Issue(*authority, certs.folder, certs.file, subject, certs.days);
}

CLI::App* AddOne(CLI::App& certs, const char* name, const char* what, CertsOptions& options) {
  CLI::App* command = certs.add_subcommand(name, what);
  command->add_option("folder", options.folder, "where the authority is")->required();
  command->add_option("--days", options.days, "how long they last; default 825")
      ->check(CLI::Range(1, kMaxDays));
  return command;
}

}  // namespace

void AddCerts(CLI::App& app, const GlobalOptions& /*options*/, Command* chosen) {
  CLI::App* certs = app.add_subcommand(
      "certs", "Make certificates by an authority of your own, for tests and first tries");
  certs->require_subcommand(1);
  const auto options = std::make_shared<CertsOptions>();
  CLI::App* init = AddOne(*certs, "init",
                          "An authority, a certificate of this machine's kchand (server.pem) and "
                          "one of a client, cn:client (client.pem)",
                          *options);
  init->callback([=] { *chosen = [=] { return Init(*options); }; });

  CLI::App* server = AddOne(*certs, "server", "A certificate of another kchand", *options);
  server->add_option("names", options->names, "its DNS names and addresses")->required();
  server->add_option("--file", options->file, "FILE.pem, FILE.key; default: the first name");
  server->callback([=] {
    if (options->file.empty()) options->file = options->names.front();
    *chosen = [=] { return IssueTo(*options, ServerSubject(options->names)); };
  });

  CLI::App* client = AddOne(*certs, "client", "A certificate of a client", *options);
  client
      ->add_option("name", options->names,
                   "who it is: spiffe://fleet/collector/1, or alice, which is cn:alice")
      ->required()
      ->expected(1);
  client->add_option("--file", options->file, "FILE.pem, FILE.key; default: client");
  client->callback([=] {
    if (options->file.empty()) options->file = "client";
    *chosen = [=] { return IssueTo(*options, ClientSubject(options->names.front())); };
  });
}

}  // namespace kchan::cli
