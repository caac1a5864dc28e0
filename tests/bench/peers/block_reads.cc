// SPDX-License-Identifier: Apache-2.0
// Makes block I/O for every tool in the same way: each read of DEVICE completes
// exactly one request, at a sector of its own.
//
//   block_reads DEVICE COUNT [RATE]   COUNT reads on each processor, flat out or
//                                     RATE a second of them; prints the seconds
//   block_reads DEVICE --serve PORT   one read, then one byte back, for each byte
//                                     that a TCP client sends
//
// A read that is not done is a wrong count: any failure ends it with 1.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kReadBytes = 512;
constexpr off_t kSectorsPerReader = off_t{1} << 24;
// What is due is done together, as often as this.
constexpr std::chrono::milliseconds kPeriod{5};

[[noreturn]] void Fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

// Reads past the page cache, one sector after the other. Not thread safe.
class Reader {
 public:
  Reader(const char* device, off_t index)
      : device_(open(device, O_RDONLY | O_DIRECT | O_CLOEXEC)),
        next_(index * kSectorsPerReader),
        buffer_(std::aligned_alloc(4096, 4096)) {
    if (device_ < 0) Fail(device);
  }

  void Read() {
    if (pread(device_, buffer_, kReadBytes, next_ * off_t{kReadBytes}) != kReadBytes) Fail("read");
    ++next_;
  }

 private:
  const int device_;
  off_t next_;
  void* const buffer_;
};

void PinTo(unsigned cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof(set), &set) != 0) Fail("sched_setaffinity");
}

void ReadMany(const char* device, unsigned cpu, uint64_t count, uint64_t rate) {
  PinTo(cpu);
  Reader reader(device, cpu);
  const auto start = Clock::now();
  for (uint64_t done = 0; done < count;) {
    uint64_t due = count;
    if (rate != 0) {
      std::this_thread::sleep_for(kPeriod);
      const std::chrono::duration<double> elapsed = Clock::now() - start;
      due = std::min(count, static_cast<uint64_t>(elapsed.count() * static_cast<double>(rate)));
    }
    for (; done < due; ++done) reader.Read();
  }
}

int ReadAll(const char* device, uint64_t count, uint64_t rate) {
  const auto start = Clock::now();
  std::vector<std::thread> readers;
  for (unsigned cpu = 0; cpu < std::thread::hardware_concurrency(); ++cpu) {
    readers.emplace_back(ReadMany, device, cpu, count, rate);
  }
  for (std::thread& reader : readers) reader.join();
  const std::chrono::duration<double> elapsed = Clock::now() - start;
  std::printf("%.3f\n", elapsed.count());
  return 0;
}

int Serve(const char* device, uint16_t port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) Fail("bind");
  if (listen(listener, 1) != 0) Fail("listen");
  Reader reader(device, std::thread::hardware_concurrency());
  for (;;) {
    const int client = accept(listener, nullptr, nullptr);
    if (client < 0) Fail("accept");
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    for (char byte; read(client, &byte, 1) == 1;) {
      reader.Read();
      if (write(client, &byte, 1) != 1) break;
    }
    close(client);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[2]) == "--serve") {
    return Serve(argv[1], static_cast<uint16_t>(std::atoi(argv[3])));
  }
  if (argc != 3 && argc != 4) {
    std::fprintf(stderr, "usage: block_reads DEVICE COUNT [RATE] | DEVICE --serve PORT\n");
    return 2;
  }
  const uint64_t rate = argc == 4 ? std::strtoull(argv[3], nullptr, 10) : 0;
  return ReadAll(argv[1], std::strtoull(argv[2], nullptr, 10), rate);
}
