// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "tests/bench/path/method.h"

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

// Serves one peer for ever: blocks as fast as they are taken, or a record each
// time that it is due.
void Serve(int peer, const Setup& setup) {
  std::vector<char> block(setup.rate > 0 ? setup.record_bytes : kWriteBytes, 'x');
  if (setup.rate > 0) {
    const int yes = 1;
    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    for (Pacer pacer(setup.rate);;) {
      pacer.Wait();
      PutStamp(block.data());
      if (write(peer, block.data(), block.size()) <= 0) break;
    }
  }
  while (write(peer, block.data(), block.size()) > 0) {
  }
  close(peer);
}

class RawTcp final : public Method {
 public:
  void Send(const Setup& setup, void (*ready)()) override {
    const int listener = Check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    const int yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    const sockaddr_in address = Loopback(setup.port);
    Check(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), "bind");
    Check(listen(listener, SOMAXCONN), "listen");
    ready();
    for (;;) {
      std::thread(Serve, Check(accept(listener, nullptr, nullptr), "accept"), setup).detach();
    }
  }

  void Receive(const Setup& setup, const std::atomic<bool>& stop, Progress& progress) override {
    const int peer = Check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    const sockaddr_in address = Loopback(setup.port);
    Check(connect(peer, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), "connect");
    std::vector<char> block(setup.rate > 0 ? setup.record_bytes : kWriteBytes);
    uint64_t bytes = 0;
    while (!stop) {
      const ssize_t got = recv(peer, block.data(), block.size(), setup.rate > 0 ? MSG_WAITALL : 0);
      if (got <= 0) break;
      if (setup.rate > 0) progress.latencies_ns.push_back(AgeOf(block.data()));
      bytes += static_cast<uint64_t>(got);
      progress.payload_bytes = bytes;
      progress.records = bytes / setup.record_bytes;
    }
    close(peer);
  }
};

}  // namespace

std::unique_ptr<Method> MakeRawTcp() { return std::make_unique<RawTcp>(); }

}  // namespace kchan::bench
