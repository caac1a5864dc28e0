// SPDX-License-Identifier: Apache-2.0
#include "tests/component/raw_client.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "bridge/rpc/socket_address.h"
#include "gtest/gtest.h"

namespace kchan::testing {
namespace {

constexpr int kPatienceMs = 10'000;

rpc::SocketAddress AddressOf(const std::string& text) {
  if (text.starts_with("unix:")) return rpc::SocketAddress::OfUnix(text.substr(5));
  return rpc::SocketAddress::Resolve(text).value().front();
}

}  // namespace

RawClient::RawClient() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}

RawClient::RawClient(const std::string& address)
    : fd_(socket(AddressOf(address).family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  EXPECT_TRUE(Connect(address)) << address << ": errno " << errno;
}

bool RawClient::Connect(const std::string& address) {
  const rpc::SocketAddress to = AddressOf(address);
  return connect(fd_.get(), to.get(), to.size()) == 0;
}

bool RawClient::CanConnect(const std::string& address) {
  RawClient client;
  client.fd_ = source::UniqueFd(socket(AddressOf(address).family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  return client.Connect(address);
}

bool RawClient::AwaitsEnd() const {
  pollfd polled{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  if (poll(&polled, 1, kPatienceMs) != 1) return false;
  char byte = 0;
  return recv(fd_.get(), &byte, 1, 0) <= 0;
}

void RawClient::Reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  fd_.Reset();
}

}  // namespace kchan::testing
