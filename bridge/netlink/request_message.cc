// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/request_message.h"

#include <linux/netlink.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/netlink/spec/encode.h"

namespace kchan::netlink {
namespace {

// Far more than any request has, and within what a socket sends by default.
constexpr size_t kMaxContentBytes = 128 << 10;

absl::Status CheckSize(size_t bytes, const char* field) {
  if (bytes <= kMaxContentBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      field, ": is ", bytes, " bytes for the kernel; a request has at most ", kMaxContentBytes));
}

size_t HeaderBytes(const Operation* operation, uint32_t family_header_bytes) {
  const Struct* fixed = operation == nullptr ? nullptr : operation->layout.fixed_header;
  const size_t bytes = fixed == nullptr ? family_header_bytes : fixed->size_bytes;
  return std::min<size_t>(NLMSG_ALIGN(bytes), kMaxContentBytes);
}

}  // namespace

RequestMessage::RequestMessage(uint16_t type, bool is_dump) {
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | (is_dump ? NLM_F_DUMP : NLM_F_ACK));
  Append(std::as_bytes(std::span(&header, 1)));
}

void RequestMessage::Append(std::span<const std::byte> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

std::vector<std::byte> RequestMessage::Finish() && {
  const auto size = static_cast<uint32_t>(bytes_.size());
  std::memcpy(bytes_.data() + offsetof(nlmsghdr, nlmsg_len), &size, sizeof(size));
  return std::move(bytes_);
}

absl::Status AppendContent(const google::protobuf::Struct* attributes, std::string_view raw,
                           const Operation* operation, uint32_t family_header_bytes,
                           RequestMessage& message) {
  const size_t header_bytes = HeaderBytes(operation, family_header_bytes);
  if (attributes != nullptr) {
    const Layout layout = operation == nullptr ? Layout{} : operation->layout;
    const auto encoded = Encode(layout, *attributes);
    if (!encoded.ok()) {
      return absl::Status(encoded.status().code(),
                          absl::StrCat("attributes.", encoded.status().message()));
    }
    if (absl::Status status = CheckSize(encoded->size(), "attributes"); !status.ok()) return status;
    // Without a layout nobody has put a header in front.
    if (layout.fixed_header == nullptr) message.Append(std::vector<std::byte>(header_bytes));
    message.Append(std::as_bytes(std::span(*encoded)));
    return absl::OkStatus();
  }
  if (absl::Status status = CheckSize(raw.size(), "raw"); !status.ok()) return status;
  if (raw.empty()) {
    message.Append(std::vector<std::byte>(header_bytes));
  } else {
    message.Append(std::as_bytes(std::span(raw)));
  }
  return absl::OkStatus();
}

}  // namespace kchan::netlink
