// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/genl_family.h"

#include <linux/genetlink.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/netlink/netlink_attributes.h"

namespace kchan::netlink {
namespace {

constexpr uint8_t kControlVersion = 2;

const char* ControlAttributeName(uint16_t type) {
  return type == CTRL_ATTR_FAMILY_NAME ? "FAMILY_NAME" : "of nlctrl";
}

absl::Status AddGroup(const AttributeView& nest, GenlFamily* family) {
  std::string name;
  uint32_t id = 0;
  const absl::Status status =
      VisitAttributes(nest.payload(), [&](const AttributeView& attribute) -> absl::Status {
        switch (attribute.type()) {
          case CTRL_ATTR_MCAST_GRP_NAME:
            return attribute.GetString(GENL_NAMSIZ, &name);
          case CTRL_ATTR_MCAST_GRP_ID:
            return attribute.Get(&id);
          default:
            return absl::OkStatus();
        }
      });
  if (status.ok()) family->groups[name] = id;
  return status;
}

absl::Status AddOperation(const AttributeView& nest, GenlFamily* family) {
  GenlOperation operation;
  const absl::Status status =
      VisitAttributes(nest.payload(), [&](const AttributeView& attribute) -> absl::Status {
        switch (attribute.type()) {
          case CTRL_ATTR_OP_ID:
            return attribute.Get(&operation.command);
          case CTRL_ATTR_OP_FLAGS:
            return attribute.Get(&operation.flags);
          default:
            return absl::OkStatus();
        }
      });
  if (status.ok()) family->operations.push_back(operation);
  return status;
}

// The version is a number of 32 bits of which a header has room for 8.
absl::Status GetVersion(const AttributeView& attribute, uint8_t* version) {
  uint32_t number = 0;
  const absl::Status status = attribute.Get(&number);
  *version = static_cast<uint8_t>(number);
  return status;
}

}  // namespace

const GenlOperation* GenlFamily::FindOperation(uint32_t command) const {
  for (const GenlOperation& operation : operations) {
    if (operation.command == command) return &operation;
  }
  return nullptr;
}

absl::StatusOr<uint32_t> GenlFamily::FindGroup(const std::string& group) const {
  const auto found = groups.find(group);
  if (found != groups.end()) return found->second;
  return absl::FailedPreconditionError(
      absl::StrCat("netlink family ", name, " has no multicast group ", group));
}

absl::StatusOr<GenlFamily> ParseFamily(std::span<const std::byte> attributes) {
  GenlFamily family;
  const absl::Status status = VisitAttributes(attributes, [&](const AttributeView& attribute) {
    switch (attribute.type()) {
      case CTRL_ATTR_FAMILY_ID:
        return attribute.Get(&family.id);
      case CTRL_ATTR_FAMILY_NAME:
        return attribute.GetString(GENL_NAMSIZ, &family.name);
      case CTRL_ATTR_VERSION:
        return GetVersion(attribute, &family.version);
      case CTRL_ATTR_HDRSIZE:
        return attribute.Get(&family.header_bytes);
      case CTRL_ATTR_MAXATTR:
        return attribute.Get(&family.max_attribute);
      case CTRL_ATTR_OPS:
        return VisitAttributes(attribute.payload(), [&](const AttributeView& nest) {
          return AddOperation(nest, &family);
        });
      case CTRL_ATTR_MCAST_GROUPS:
        return VisitAttributes(attribute.payload(),
                               [&](const AttributeView& nest) { return AddGroup(nest, &family); });
      default:
        return absl::OkStatus();
    }
  });
  if (!status.ok()) return status;
  if (family.name.empty() || family.id == 0) {
    return absl::InvalidArgumentError("nlctrl describes a family without a name or an id");
  }
  std::ranges::sort(family.operations, {}, &GenlOperation::command);
  return family;
}

absl::StatusOr<std::optional<GenlFamily>> FindFamily(GenlSocket& socket, const std::string& name) {
  std::optional<GenlFamily> found;
  GenlRequest request(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, kControlVersion);
  request.PutString(CTRL_ATTR_FAMILY_NAME, name);
  const auto ack = socket.Ask(request, [&](const GenlMessage& message) {
    auto family = ParseFamily(message.attributes);
    if (family.ok()) found = *std::move(family);
    return family.status();
  });
  if (!ack.ok()) return ack.status();
  if (ack->error == ENOENT) return std::nullopt;
  const absl::Status status =
      AckStatus(*ack, absl::StrCat("netlink family ", name), ControlAttributeName);
  if (!status.ok()) return status;
  return found;
}

absl::StatusOr<std::vector<GenlFamily>> ListFamilies(GenlSocket& socket) {
  std::vector<GenlFamily> families;
  GenlRequest request(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, kControlVersion, NLM_F_DUMP);
  const auto ack = socket.Ask(request, [&](const GenlMessage& message) {
    auto family = ParseFamily(message.attributes);
    // One family that we cannot read is no reason not to find another.
    if (family.ok()) families.push_back(*std::move(family));
    return absl::OkStatus();
  });
  if (!ack.ok()) return ack.status();
  const absl::Status status = AckStatus(*ack, "list of netlink families", ControlAttributeName);
  if (!status.ok()) return status;
  std::ranges::sort(families, {}, &GenlFamily::name);
  return families;
}

absl::StatusOr<std::optional<GenlFamily>> FindLoadedFamily(GenlSocket& socket,
                                                           const std::string& name) {
  auto families = ListFamilies(socket);
  if (!families.ok()) return families.status();
  for (GenlFamily& family : *families) {
    if (family.name == name) return std::move(family);
  }
  return std::nullopt;
}

}  // namespace kchan::netlink
