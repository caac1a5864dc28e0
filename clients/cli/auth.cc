// SPDX-License-Identifier: Apache-2.0
// Explains a policy without a daemon: by the very code that kchand decides with.
#include <memory>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "bridge/security/authorizer.h"
#include "bridge/security/identity.h"
#include "bridge/security/policy_file.h"
#include "commands.h"
#include "explain.h"
#include "output.h"

namespace kchan::cli {
namespace {

struct AuthOptions {
  std::string policy;
  std::string identity;
  std::string channel;
  std::string netlink;  // FAMILY:OPERATION
  std::string network_namespace;
  bool status = false;
  std::string right = "read";
};

ExitCode Mistake(const std::string& what) {
  Explain(absl::InvalidArgumentError(what));
  return kUsage;
}

// FAMILY:OPERATION, the operation by its name or its number.
netlink::Wanted WantedOf(const std::string& text) {
  netlink::Wanted wanted;
  const size_t colon = text.find(':');
  wanted.family = text.substr(0, colon);
  const std::string operation = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (!absl::SimpleAtoi(operation, &wanted.number)) wanted.name = operation;
  return wanted;
}

ExitCode Tell(const std::string& what, const security::Decision& decision) {
  Print(absl::StrCat(what, ": ",
                     decision.is_allowed() ? absl::StrCat("allowed by ", decision.rule)
                                           : std::string("denied: no rule allows it"),
                     "\n"));
  return decision.is_allowed() ? kOk : kError;
}

ExitCode CheckNetlink(const AuthOptions& auth, const security::Grants& grants,
                      const std::string& who) {
  if (auth.netlink.find(':') == std::string::npos) {
    return Mistake("--netlink: FAMILY:OPERATION is needed, as ethtool:rings-get");
  }
  if (auth.right == "write") return Mistake("--right: of netlink there are read and control");
  const std::string where =
      auth.network_namespace.empty() ? "" : absl::StrCat(" in ", auth.network_namespace);
  return Tell(absl::StrCat(who, auth.right, " netlink ", auth.netlink, where),
              grants.Netlink(WantedOf(auth.netlink), auth.network_namespace,
                             /*privileged=*/auth.right == "control"));
}

ExitCode Check(const AuthOptions& auth) {
  const auto policy = security::ReadPolicy(auth.policy);
  if (!policy.ok()) return Explain(policy.status());
  if (absl::Status known = security::CheckIdentityGlob(auth.identity); !known.ok()) {
    return Mistake(absl::StrCat("--as: ", std::string(known.message())));
  }
  // What a listener's right would deny is not the policy's to explain.
  const security::Grants grants =
      (*policy)->GrantsOf(security::OfName(auth.identity), /*only_reads=*/false,
                          /*is_local=*/auth.identity.starts_with("unix:"));
  const std::string who = absl::StrCat(auth.identity, " ");
  if (!auth.netlink.empty()) return CheckNetlink(auth, grants, who);
  if (auth.status) return Tell(who + "status of the node", grants.Status());
  const security::Right right = auth.right == "read"    ? security::Right::kRead
                                : auth.right == "write" ? security::Right::kWrite
                                                        : security::Right::kControl;
  return Tell(absl::StrCat(who, auth.right, " channel ", auth.channel),
              grants.Channel(right, auth.channel));
}

}  // namespace

void AddAuth(CLI::App& app, const GlobalOptions& /*options*/, Command* chosen) {
  CLI::App* auth = app.add_subcommand("auth", "Explain who may do what; without a daemon");
  auth->require_subcommand(1);
  CLI::App* command = auth->add_subcommand(
      "check", "Whether a policy allows something, and by which rule; exit code 1: it does not");
  const auto options = std::make_shared<AuthOptions>();
  command->add_option("--policy", options->policy, "the policy's file")->required();
  command
      ->add_option("--as", options->identity,
                   "who: spiffe://.., uri:.., dns:.., cn:.., unix:.. or anonymous:..")
      ->required();
  CLI::Option_group* object = command->add_option_group("object", "what");
  object->add_option("--channel", options->channel, "a channel's name");
  object->add_option("--netlink", options->netlink, "FAMILY:OPERATION");
  object->add_flag("--status", options->status, "the node's status");
  object->require_option(1);
  command->add_option("--network-namespace", options->network_namespace,
                      "of --netlink; default: kchand's own");
  command
      ->add_option("--right", options->right,
                   "read, write or control; of netlink, control is "
                   "what the rules call privileged")
      ->check(CLI::IsMember({"read", "write", "control"}));
  command->callback([=] { *chosen = [=] { return Check(*options); }; });
}

}  // namespace kchan::cli
