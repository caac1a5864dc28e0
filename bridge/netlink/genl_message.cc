// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/genl_message.h"

#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

#include <cstdlib>

namespace kchan::netlink {
namespace {

nl_msg* Allocate(size_t bytes) {
  nl_msg* message = nlmsg_alloc_size(bytes);
  if (message == nullptr) std::abort();  // as every other allocation here that fails
  return message;
}

}  // namespace

GenlRequest::GenlRequest(uint16_t family, uint8_t command, uint8_t version, uint16_t flags,
                         size_t max_bytes)
    : message_(Allocate(max_bytes)) {
  // libnl fills in what is 0: a port and a sequence of its own, which we
  // overwrite when we send.
  fits_ = genlmsg_put(message_, /*port=*/1, /*seq=*/1, family, 0, flags | NLM_F_REQUEST, command,
                      version) != nullptr;
  if (fits_) nlmsg_hdr(message_)->nlmsg_pid = 0;
}

GenlRequest::~GenlRequest() { nlmsg_free(message_); }

void GenlRequest::PutU16(uint16_t type, uint16_t value) {
  fits_ = nla_put_u16(message_, type, value) == 0 && fits_;
}

void GenlRequest::PutU32(uint16_t type, uint32_t value) {
  fits_ = nla_put_u32(message_, type, value) == 0 && fits_;
}

void GenlRequest::PutU64(uint16_t type, uint64_t value) {
  fits_ = nla_put_u64(message_, type, value) == 0 && fits_;
}

void GenlRequest::PutString(uint16_t type, const std::string& value) {
  fits_ = nla_put_string(message_, type, value.c_str()) == 0 && fits_;
}

void GenlRequest::PutBytes(uint16_t type, std::span<const std::byte> value) {
  // An attribute's length has 16 bits, which libnl does not check.
  fits_ = fits_ && value.size() <= UINT16_MAX - NLA_HDRLEN &&
          nla_put(message_, type, static_cast<int>(value.size()), value.data()) == 0;
}

nlattr* GenlRequest::BeginNest(uint16_t type) {
  // With the flag: the kernel's strict checking refuses a nest without it.
  nlattr* nest = nla_nest_start(message_, type | NLA_F_NESTED);
  fits_ = nest != nullptr && fits_;
  return nest;
}

void GenlRequest::EndNest(nlattr* nest) {
  if (nest != nullptr) nla_nest_end(message_, nest);
}

void GenlRequest::SetSequence(uint32_t sequence) { nlmsg_hdr(message_)->nlmsg_seq = sequence; }

std::span<const std::byte> GenlRequest::bytes() const {
  if (!fits_) return {};
  const nlmsghdr* header = nlmsg_hdr(message_);
  return {reinterpret_cast<const std::byte*>(header), header->nlmsg_len};
}

absl::Status ParseGenlMessage(const nlmsghdr& header, std::span<const std::byte> payload,
                              GenlMessage* message) {
  genlmsghdr genl;
  if (payload.size() < sizeof(genl)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a message of netlink family ", header.nlmsg_type, " is too short"));
  }
  std::memcpy(&genl, payload.data(), sizeof(genl));
  message->family = header.nlmsg_type;
  message->command = genl.cmd;
  message->body = payload;
  message->attributes = payload.subspan(GENL_HDRLEN);
  return absl::OkStatus();
}

}  // namespace kchan::netlink
