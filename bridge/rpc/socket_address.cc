// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/socket_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace kchan::rpc {
namespace {

template <typename Sockaddr>
const Sockaddr& As(const SocketAddress& address) {
  return *reinterpret_cast<const Sockaddr*>(address.get());
}

}  // namespace

SocketAddress SocketAddress::OfUnix(const std::string& path) {
  SocketAddress address;
  auto& to = reinterpret_cast<sockaddr_un&>(address.storage_);
  to.sun_family = AF_UNIX;
  path.copy(to.sun_path, sizeof(to.sun_path) - 1);
  address.size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return address;
}

absl::StatusOr<std::vector<SocketAddress>> SocketAddress::Resolve(
    const std::string& host_and_port) {
  const size_t colon = host_and_port.rfind(':');
  if (colon == std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat("'", host_and_port, "' is not HOST:PORT"));
  }
  std::string host = host_and_port.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(host.c_str(), host_and_port.substr(colon + 1).c_str(), &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", host_and_port, ": no address of that name: ",
                     error == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  std::vector<SocketAddress> all;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    SocketAddress address;
    if (each->ai_addrlen > sizeof(address.storage_)) continue;
    std::memcpy(&address.storage_, each->ai_addr, each->ai_addrlen);
    address.size_ = each->ai_addrlen;
    if (std::find(all.begin(), all.end(), address) == all.end()) all.push_back(address);
  }
  return all;
}

absl::StatusOr<SocketAddress> SocketAddress::Of(int fd) {
  SocketAddress address;
  address.size_ = sizeof(address.storage_);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage_), &address.size_) != 0) {
    return absl::ErrnoToStatus(errno, "its address");
  }
  return address;
}

SocketAddress SocketAddress::AnyIpv4(uint16_t port) {
  SocketAddress address;
  address.storage_.ss_family = AF_INET;
  address.size_ = sizeof(sockaddr_in);
  address.SetPort(port);
  return address;
}

bool SocketAddress::IsAnyIpv6() const {
  return family() == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&As<sockaddr_in6>(*this).sin6_addr);
}

uint16_t SocketAddress::port() const {
  if (family() == AF_INET) return ntohs(As<sockaddr_in>(*this).sin_port);
  return family() == AF_INET6 ? ntohs(As<sockaddr_in6>(*this).sin6_port) : 0;
}

void SocketAddress::SetPort(uint16_t port) {
  if (family() == AF_INET) reinterpret_cast<sockaddr_in&>(storage_).sin_port = htons(port);
  if (family() == AF_INET6) reinterpret_cast<sockaddr_in6&>(storage_).sin6_port = htons(port);
}

std::string SocketAddress::path() const {
  const size_t begin = offsetof(sockaddr_un, sun_path);
  if (size_ <= begin) return "";
  const auto& from = As<sockaddr_un>(*this);
  const size_t size = std::min<size_t>(size_ - begin, sizeof(from.sun_path));
  // In the abstract namespace a zero byte is a byte like others.
  if (from.sun_path[0] == '\0') return "@" + std::string(from.sun_path + 1, size - 1);
  return {from.sun_path, strnlen(from.sun_path, size)};
}

std::string SocketAddress::ToString() const {
  char host[INET6_ADDRSTRLEN] = "";
  switch (family()) {
    case AF_UNIX:
      return absl::StrCat("unix:", path());
    case AF_INET:
      inet_ntop(AF_INET, &As<sockaddr_in>(*this).sin_addr, host, sizeof(host));
      return absl::StrCat(host, ":", port());
    case AF_INET6:
      inet_ntop(AF_INET6, &As<sockaddr_in6>(*this).sin6_addr, host, sizeof(host));
      return absl::StrCat("[", host, "]:", port());
    default:
      return absl::StrCat("an address of family ", family());
  }
}

bool operator==(const SocketAddress& a, const SocketAddress& b) {
  if (a.family() != b.family() || a.port() != b.port()) return false;
  if (a.family() == AF_UNIX) return a.path() == b.path();
  if (a.family() == AF_INET) {
    return As<sockaddr_in>(a).sin_addr.s_addr == As<sockaddr_in>(b).sin_addr.s_addr;
  }
  if (a.family() != AF_INET6) return false;
  const auto& a6 = As<sockaddr_in6>(a);
  const auto& b6 = As<sockaddr_in6>(b);
  return IN6_ARE_ADDR_EQUAL(&a6.sin6_addr, &b6.sin6_addr) && a6.sin6_scope_id == b6.sin6_scope_id;
}

}  // namespace kchan::rpc
