// SPDX-License-Identifier: Apache-2.0
#include "genl_socket.h"

#include <linux/genetlink.h>
#include <linux/kchan.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace kchan::guest {
namespace {

constexpr size_t kDatagramBytes = size_t{1} << 20;

void Require(bool condition, const char* what) {
  if (condition) return;
  std::perror(what);
  std::abort();
}

// Calls for each attribute in `bytes`: type, payload, offset of the attribute.
void ForEach(std::string_view bytes,
             const std::function<void(uint16_t, std::string_view, size_t)>& visit) {
  size_t offset = 0;
  while (offset + NLA_HDRLEN <= bytes.size()) {
    nlattr header;
    std::memcpy(&header, bytes.data() + offset, sizeof(header));
    if (header.nla_len < NLA_HDRLEN || header.nla_len > bytes.size() - offset) return;
    visit(header.nla_type & NLA_TYPE_MASK,
          bytes.substr(offset + NLA_HDRLEN, header.nla_len - NLA_HDRLEN), offset);
    offset += NLA_ALIGN(header.nla_len);
  }
}

// The type of the attribute at `wanted`, looked for in nests, too.
uint16_t TypeAt(std::string_view bytes, size_t wanted) {
  uint16_t found = 0;
  ForEach(bytes, [&](uint16_t type, std::string_view payload, size_t offset) {
    if (offset == wanted) found = type;
    if (wanted > offset && wanted < offset + NLA_HDRLEN + payload.size()) {
      found = TypeAt(payload, wanted - offset - NLA_HDRLEN);
    }
  });
  return found;
}

}  // namespace

Attributes& Attributes::Put(uint16_t type, const void* bytes, size_t size) {
  const nlattr header{static_cast<uint16_t>(NLA_HDRLEN + size), type};
  bytes_.append(reinterpret_cast<const char*>(&header), sizeof(header));
  bytes_.append(static_cast<const char*>(bytes), size);
  bytes_.resize(NLA_ALIGN(bytes_.size()));
  return *this;
}

Attributes& Attributes::Nest(uint16_t type, const Attributes& inner) {
  return Put(type | NLA_F_NESTED, inner.bytes().data(), inner.bytes().size());
}

Parsed::Parsed(std::string_view bytes) {
  ForEach(bytes, [this](uint16_t type, std::string_view payload, size_t) {
    values_.emplace(type, payload);
  });
}

std::string Parsed::Bytes(uint16_t type) const {
  const auto found = values_.find(type);
  return found == values_.end() ? std::string() : found->second;
}

std::vector<Parsed> Parsed::Nests(uint16_t type) const {
  std::vector<Parsed> nests;
  const auto [first, last] = values_.equal_range(type);
  for (auto it = first; it != last; ++it) nests.emplace_back(it->second);
  return nests;
}

GenlSocket::GenlSocket(int receive_bytes)
    : fd_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC)) {
  Require(fd_ >= 0, "socket");
  const sockaddr_nl address{.nl_family = AF_NETLINK, .nl_pad = 0, .nl_pid = 0, .nl_groups = 0};
  Require(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0, "bind");
  if (setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &receive_bytes, sizeof(receive_bytes)) != 0) {
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
  }
  const int on = 1;
  Require(setsockopt(fd_, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)) == 0, "EXT_ACK");
  Require(setsockopt(fd_, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) == 0, "CAP_ACK");

  family_ = GENL_ID_CTRL;
  const Answer answer =
      Do(CTRL_CMD_GETFAMILY, Attributes().String(CTRL_ATTR_FAMILY_NAME, KCHAN_GENL_NAME));
  family_ = 0;
  if (answer.error != 0 || answer.messages.empty()) return;  // every request fails
  const Parsed& family = answer.messages[0].attributes;
  family_ = family.U16(CTRL_ATTR_FAMILY_ID);
  const std::string groups = family.Bytes(CTRL_ATTR_MCAST_GROUPS);
  ForEach(groups, [this](uint16_t, std::string_view payload, size_t) {
    const Parsed group(payload);
    groups_[group.String(CTRL_ATTR_MCAST_GRP_NAME)] = group.U32(CTRL_ATTR_MCAST_GRP_ID);
  });
}

GenlSocket::~GenlSocket() { close(fd_); }

int GenlSocket::Join(const std::string& group) {
  const uint32_t id = groups_[group];
  return setsockopt(fd_, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &id, sizeof(id)) == 0 ? 0 : errno;
}

void GenlSocket::Send(uint8_t command, uint16_t flags, const Attributes& attributes) {
  struct {
    nlmsghdr netlink;
    genlmsghdr generic;
  } header{};
  header.netlink.nlmsg_len = sizeof(header) + attributes.bytes().size();
  header.netlink.nlmsg_type = family_;
  header.netlink.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
  header.netlink.nlmsg_seq = ++sequence_;
  header.generic.cmd = command;
  header.generic.version = KCHAN_GENL_VERSION;
  request_.assign(reinterpret_cast<const char*>(&header), sizeof(header));
  request_ += attributes.bytes();
  answer_ = {};
  finished_ = false;
  Require(send(fd_, request_.data(), request_.size(), 0) == ssize_t(request_.size()), "send");
}

Answer GenlSocket::Finish() {
  while (!finished_) {
    if (!ReadDatagram(30'000)) {
      answer_.error = ETIMEDOUT;
      break;
    }
  }
  return std::move(answer_);
}

Answer GenlSocket::Do(uint8_t command, const Attributes& attributes) {
  Send(command, NLM_F_ACK, attributes);
  return Finish();
}

Answer GenlSocket::Dump(uint8_t command, const Attributes& attributes) {
  Send(command, NLM_F_DUMP, attributes);
  return Finish();
}

bool GenlSocket::Receive(const std::function<bool(const Message&)>& wanted, Message* message,
                         int timeout_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  for (;;) {
    while (!multicast_.empty()) {
      Message next = std::move(multicast_.front());
      multicast_.erase(multicast_.begin());
      if (!wanted(next)) continue;
      *message = std::move(next);
      return true;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    // What has come already is read however late it is.
    if (!ReadDatagram(std::max(0, static_cast<int>(left.count())))) return false;
  }
}

bool GenlSocket::ReadDatagram(int timeout_ms) {
  pollfd readable{.fd = fd_, .events = POLLIN, .revents = 0};
  if (poll(&readable, 1, timeout_ms) <= 0) return false;
  std::string buffer(kDatagramBytes, '\0');
  const ssize_t size = recv(fd_, buffer.data(), buffer.size(), 0);
  if (size < 0 && errno == ENOBUFS) {
    overruns_++;
    return true;
  }
  Require(size >= 0, "recv");
  const std::string_view datagram(buffer.data(), static_cast<size_t>(size));

  for (size_t offset = 0; offset + sizeof(nlmsghdr) <= datagram.size();) {
    nlmsghdr header;
    std::memcpy(&header, datagram.data() + offset, sizeof(header));
    const std::string_view payload =
        datagram.substr(offset + NLMSG_HDRLEN, header.nlmsg_len - NLMSG_HDRLEN);
    offset += NLMSG_ALIGN(header.nlmsg_len);
    const bool ours = header.nlmsg_seq == sequence_ && header.nlmsg_pid != 0;
    if (ours && (header.nlmsg_flags & NLM_F_DUMP_INTR)) answer_.interrupted = true;
    if (header.nlmsg_type == NLMSG_ERROR || header.nlmsg_type == NLMSG_DONE) {
      if (ours) ParseAck(payload, header.nlmsg_flags, &answer_);
      if (ours) finished_ = true;
      continue;
    }
    Message message;
    message.command = static_cast<uint8_t>(payload[0]);
    message.flags = header.nlmsg_flags;
    message.attributes = Parsed(payload.substr(GENL_HDRLEN));
    (ours ? answer_.messages : multicast_).push_back(std::move(message));
  }
  return true;
}

// Both NLMSG_ERROR and NLMSG_DONE begin with the error.
void GenlSocket::ParseAck(std::string_view payload, uint16_t flags, Answer* answer) const {
  int error = 0;
  if (payload.size() >= sizeof(error)) std::memcpy(&error, payload.data(), sizeof(error));
  answer->error = -error;
  if (!(flags & NLM_F_ACK_TLVS)) return;
  // CAP_ACK: the request's header follows the error, but not its payload.
  const size_t skip = payload.size() >= sizeof(nlmsgerr) ? sizeof(nlmsgerr) : sizeof(error);
  const Parsed details(payload.substr(skip));
  answer->text = details.String(NLMSGERR_ATTR_MSG);
  constexpr uint16_t kMissType = 5;  // NLMSGERR_ATTR_MISS_TYPE: not in older headers
  answer->missing_attribute = static_cast<uint16_t>(details.U32(kMissType));
  if (details.Has(NLMSGERR_ATTR_OFFS)) {
    constexpr size_t kHeaders = NLMSG_HDRLEN + GENL_HDRLEN;
    const size_t offset = details.U32(NLMSGERR_ATTR_OFFS);
    if (offset >= kHeaders) {
      answer->bad_attribute =
          TypeAt(std::string_view(request_).substr(kHeaders), offset - kHeaders);
    }
  }
}

}  // namespace kchan::guest
