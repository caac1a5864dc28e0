// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/netlink_engine.h"

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "bridge/netlink/network_namespace.h"
#include "bridge/netlink/request_message.h"

namespace kchan::netlink {
namespace {

// Answers that do not come as a dump, which the kernel makes as fast as it is
// read.
constexpr int kReplyBytes = 1 << 20;

absl::Status NoSuchFamily(const std::string& family, const std::string& network_namespace) {
  return absl::NotFoundError(absl::StrCat(
      "there is no netlink family '", absl::CEscape(family), "'",
      network_namespace.empty() ? "" : absl::StrCat(" in network namespace ", network_namespace),
      ": its module may not be loaded, and is not for a client's sake"));
}

// The operation of the specification that has this name or number. Null: none.
const Operation* FindSpecified(const Spec* spec, const NetlinkRequest& request,
                               std::optional<uint32_t> number) {
  if (spec == nullptr) return nullptr;
  if (!number) return spec->FindOperation(request.operation);
  for (const Operation& operation : spec->operations()) {
    const auto& exchange = request.is_dump ? operation.dump : operation.doit;
    if (exchange && exchange->request_id == *number) return &operation;
  }
  return nullptr;
}

// What is asked for: its number, and what the specification says of it.
struct Chosen {
  uint32_t number = 0;
  const Operation* operation = nullptr;  // null: only its number is known
};

absl::StatusOr<Chosen> Choose(const Spec* spec, const NetlinkRequest& request, uint32_t max) {
  Chosen chosen;
  uint32_t number = 0;
  if (absl::SimpleAtoi(request.operation, &number)) {
    if (number > max) {
      return absl::InvalidArgumentError(
          absl::StrCat("operation: ", number, " is out of range: at most ", max));
    }
    chosen = {.number = number, .operation = FindSpecified(spec, request, number)};
    return chosen;
  }
  if (spec == nullptr) return NoOperation(spec, request.family, request.operation);
  chosen.operation = FindSpecified(spec, request, std::nullopt);
  if (chosen.operation == nullptr || chosen.operation->is_notification()) {
    return NoOperation(spec, spec->name(), request.operation);
  }
  const auto& exchange = request.is_dump ? chosen.operation->dump : chosen.operation->doit;
  if (!exchange) {
    return absl::UnimplementedError(
        absl::StrCat("operation ", chosen.operation->name, " of netlink family ", spec->name(),
                     " can only ", request.is_dump ? "do, not dump" : "dump, not do"));
  }
  chosen.number = exchange->request_id;
  return chosen;
}

std::vector<std::string> SpecDirectories(const NetlinkOptions& options) {
  std::vector<std::string> directories;
  for (const std::string& usual : options.usual_spec_directories) {
    if (access(usual.c_str(), F_OK) == 0) directories.push_back(usual);
  }
  directories.insert(directories.end(), options.spec_directories.begin(),
                     options.spec_directories.end());
  return directories;
}

std::string What(const NetlinkRequest& request, const Chosen& chosen) {
  return absl::StrCat(
      absl::CEscape(request.family), " ",
      chosen.operation != nullptr ? chosen.operation->name : std::to_string(chosen.number),
      request.is_dump ? " (dump)" : "", request.network_namespace.empty() ? "" : " in ",
      request.network_namespace);
}

bool IsReserved(const GenlOperation* operation) {
  return operation != nullptr && (operation->flags & (GENL_ADMIN_PERM | GENL_UNS_ADMIN_PERM)) != 0;
}

// RTM_GETLINK, RTM_GETADDR ..: of each four the third is the one that reads.
bool IsRouteGet(uint32_t type) { return type >= RTM_BASE && (type & 3) == 2; }

}  // namespace

absl::Status NoOperation(const Spec* spec, const std::string& family,
                         const std::string& operation) {
  if (spec != nullptr) {
    return absl::NotFoundError(absl::StrCat("netlink family ", absl::CEscape(family),
                                            " has no operation '", absl::CEscape(operation), "'"));
  }
  return absl::NotFoundError(absl::StrCat("no specification of netlink family ",
                                          absl::CEscape(family), " is known here, so operation '",
                                          absl::CEscape(operation),
                                          "' is not: ask for it by its number, or give kchand the "
                                          "specification (netlink { spec_directories: .. })"));
}

const char kClassicNetlinkIsClosed[] =
    "classic netlink is the kernel's own protocols, of which most change the network without a "
    "second look; kchand offers none, but for reading \"route\" where its operator opens it "
    "(classic_netlink_protocols: \"route\")";

NetlinkEngine::NetlinkEngine(NetlinkOptions options)
    : options_(std::move(options)),
      rules_(options_.read, options_.privileged),
      specs_(SpecCatalogue::Load(SpecDirectories(options_))) {}

absl::StatusOr<std::unique_ptr<NetlinkSocket>> NetlinkEngine::OpenSocket(
    const std::string& network_namespace, int protocol) const {
  std::string path;
  if (!network_namespace.empty()) {
    const auto found = options_.network_namespaces.find(network_namespace);
    if (found == options_.network_namespaces.end()) {
      return absl::NotFoundError(absl::StrCat(
          "network namespace '", absl::CEscape(network_namespace),
          "' is not offered: netlink { network_namespaces { name: .. path: .. } } in kchand's "
          "configuration says which are"));
    }
    path = found->second;
  }
  return OpenSocketIn(path, kReplyBytes, protocol);
}

absl::StatusOr<std::vector<KnownFamily>> NetlinkEngine::ListFamilies(
    const std::string& network_namespace) const {
  auto opened = OpenSocket(network_namespace, NETLINK_GENERIC);
  if (!opened.ok()) return opened.status();
  GenlSocket socket(*std::move(opened));
  auto families = netlink::ListFamilies(socket);
  if (!families.ok()) return families.status();
  std::vector<KnownFamily> known;
  for (GenlFamily& family : *families) {
    auto spec = specs_.Find(family.name);
    known.push_back({.family = std::move(family), .spec = std::move(spec)});
  }
  return known;
}

absl::StatusOr<DescribedFamily> NetlinkEngine::Describe(
    const std::string& family, const std::string& network_namespace) const {
  auto spec = specs_.Find(family);
  if (spec != nullptr && !spec->is_generic()) {
    DescribedFamily described;
    described.known.family.name = family;
    described.known.spec = std::move(spec);
    return described;
  }
  auto opened = OpenSocket(network_namespace, NETLINK_GENERIC);
  if (!opened.ok()) return opened.status();
  GenlSocket socket(*std::move(opened));
  auto found = FindLoadedFamily(socket, family);
  if (!found.ok()) return found.status();
  if (!*found) return NoSuchFamily(family, network_namespace);
  auto policies = GetPolicies(socket, **found);
  if (!policies.ok()) return policies.status();
  return DescribedFamily{.known = {.family = **std::move(found), .spec = std::move(spec)},
                         .policies = *std::move(policies)};
}

absl::StatusOr<Privilege> NetlinkEngine::Check(const NetlinkRequest& request,
                                               const Wanted& wanted) const {
  const auto has_control = request.rights(wanted);
  if (!has_control.ok()) return has_control.status();
  return rules_.Check(wanted, *has_control);
}

absl::StatusOr<PreparedRequest> NetlinkEngine::PrepareGeneric(
    const NetlinkRequest& request, std::shared_ptr<const Spec> spec) const {
  auto opened = OpenSocket(request.network_namespace, NETLINK_GENERIC);
  if (!opened.ok()) return opened.status();
  GenlSocket socket(*std::move(opened));
  const auto found = FindLoadedFamily(socket, request.family);
  if (!found.ok()) return found.status();
  if (!*found) return NoSuchFamily(request.family, request.network_namespace);
  const GenlFamily& family = **found;
  const auto chosen = Choose(spec.get(), request, UINT8_MAX);
  if (!chosen.ok()) return chosen.status();

  PreparedRequest prepared;
  prepared.what = What(request, *chosen);
  prepared.operation = chosen->operation;
  prepared.family_header_bytes = family.header_bytes;
  prepared.wanted = {.family = family.name,
                     .name = chosen->operation == nullptr ? "" : chosen->operation->name,
                     .number = chosen->number,
                     .is_dump = request.is_dump,
                     .is_reserved = IsReserved(family.FindOperation(chosen->number))};
  const auto privilege = Check(request, prepared.wanted);
  if (!privilege.ok()) return privilege.status();
  prepared.privilege = *privilege;

  const genlmsghdr header{
      .cmd = static_cast<uint8_t>(chosen->number), .version = family.version, .reserved = 0};
  RequestMessage message(family.id, request.is_dump);
  message.Append(std::as_bytes(std::span(&header, 1)));
  prepared.header_bytes = message.size();
  const absl::Status status = AppendContent(request.attributes, request.raw, chosen->operation,
                                            family.header_bytes, message);
  if (!status.ok()) return status;
  prepared.message = std::move(message).Finish();
  prepared.spec = std::move(spec);
  prepared.socket = std::move(socket).TakeSocket();
  return prepared;
}

absl::StatusOr<PreparedRequest> NetlinkEngine::PrepareClassic(
    const NetlinkRequest& request, std::shared_ptr<const Spec> spec) const {
  if (spec->protocol_number() != NETLINK_ROUTE || !options_.route) {
    return absl::PermissionDeniedError(absl::StrCat("netlink family ", spec->name(),
                                                    " is not offered: ", kClassicNetlinkIsClosed));
  }
  const auto chosen = Choose(spec.get(), request, UINT16_MAX);
  if (!chosen.ok()) return chosen.status();
  PreparedRequest prepared;
  prepared.what = What(request, *chosen);
  if (!IsRouteGet(chosen->number)) {
    return absl::PermissionDeniedError(
        absl::StrCat(prepared.what,
                     ": of \"route\" only what reads is offered, whatever the "
                     "configuration says"));
  }
  prepared.wanted = {.family = spec->name(),
                     .name = chosen->operation == nullptr ? "" : chosen->operation->name,
                     .number = chosen->number,
                     .is_dump = request.is_dump};
  // Whoever may more by a rule has nothing to gain from it here: privilege stays kNone.
  if (auto allowed = Check(request, prepared.wanted); !allowed.ok()) return allowed.status();
  auto socket = OpenSocket(request.network_namespace, NETLINK_ROUTE);
  if (!socket.ok()) return socket.status();
  if (absl::Status status = (*socket)->CheckStrictly(); !status.ok()) return status;
  RequestMessage message(static_cast<uint16_t>(chosen->number), request.is_dump);
  prepared.header_bytes = message.size();
  const absl::Status status =
      AppendContent(request.attributes, request.raw, chosen->operation, 0, message);
  if (!status.ok()) return status;
  prepared.message = std::move(message).Finish();
  prepared.operation = chosen->operation;
  prepared.spec = std::move(spec);
  prepared.socket = *std::move(socket);
  return prepared;
}

absl::StatusOr<std::unique_ptr<NetlinkCall>> NetlinkEngine::Begin(const NetlinkRequest& request,
                                                                  const WakeEvent& wake) const {
  auto spec = specs_.Find(request.family);
  const bool is_classic = spec != nullptr && !spec->is_generic();
  auto prepared = is_classic ? PrepareClassic(request, std::move(spec))
                             : PrepareGeneric(request, std::move(spec));
  if (!prepared.ok()) return prepared.status();
  prepared->form = request.form;
  prepared->max_restarts = request.max_restarts;
  prepared->timeout = options_.request_timeout;
  return std::make_unique<NetlinkCall>(*std::move(prepared), wake);
}

MessageDecoder NetlinkEngine::Decoder(const std::string& family) const {
  // Without a specification nobody but the kernel knows of a header, and only
  // while the family is registered: what there is of one shows in the tree.
  return MessageDecoder(specs_.Find(family), 0);
}

}  // namespace kchan::netlink
