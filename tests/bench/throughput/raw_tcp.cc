// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "tests/bench/throughput/method.h"

namespace kchan::bench {
namespace {

constexpr size_t kWriteBytes = 64 << 10;

int Check(int result, const char* what) {
  if (result < 0) {
    std::perror(what);
    std::exit(1);
  }
  return result;
}

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

class RawTcp final : public Method {
 public:
  void Send(uint16_t port, size_t, void (*ready)()) override {
    const int listener = Check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    const int yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    const sockaddr_in address = Loopback(port);
    Check(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), "bind");
    Check(listen(listener, 1), "listen");
    ready();
    const int peer = Check(accept(listener, nullptr, nullptr), "accept");
    const std::vector<char> block(kWriteBytes, 'x');
    while (write(peer, block.data(), block.size()) > 0) {
    }
    close(peer);
    close(listener);
  }

  void Receive(uint16_t port, size_t record_bytes, const std::atomic<bool>& stop,
               Progress& progress) override {
    const int peer = Check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    const sockaddr_in address = Loopback(port);
    Check(connect(peer, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), "connect");
    std::vector<char> block(kWriteBytes);
    uint64_t bytes = 0;
    while (!stop) {
      const ssize_t got = read(peer, block.data(), block.size());
      if (got <= 0) break;
      bytes += static_cast<uint64_t>(got);
      progress.payload_bytes = bytes;
      progress.records = bytes / record_bytes;
    }
    close(peer);
  }
};

}  // namespace

std::unique_ptr<Method> MakeRawTcp() { return std::make_unique<RawTcp>(); }

}  // namespace kchan::bench
