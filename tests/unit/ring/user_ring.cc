// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/ring/user_ring.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "ring.h"

namespace kchan::testing {
namespace {

constexpr uint64_t kGeneration = 0x5eed5eed5eed5eedULL;

size_t PageBytes() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

template <typename T>
T Must(T result, bool ok, const char* what) {
  if (ok) return result;
  std::perror(what);
  std::abort();
}

}  // namespace

struct UserRing::Core {
  kchan_ring ring;  // first: the core's wake() is given nothing else
  int wake_fd;

  // A writer may be a signal handler: write() is allowed there.
  static void Wake(kchan_ring* ring) {
    const int saved_errno = errno;
    const uint64_t one = 1;
    // It fails only when the count is full: readable, which is all we want.
    [[maybe_unused]] const ssize_t written =
        write(reinterpret_cast<Core*>(ring)->wake_fd, &one, sizeof(one));
    errno = saved_errno;
  }
};

class UserRing::View final : public source::MappedRing {
 public:
  explicit View(const UserRing& ring) : ring_(ring) {}
  const source::RingMemory& memory() const override { return ring_.memory_; }
  absl::StatusOr<kchan_ring_counters> ReadCounters() const override { return ring_.Counters(); }
  int fd() const override { return ring_.core_->wake_fd; }

 private:
  const UserRing& ring_;
};

UserRing::UserRing() : core_(std::make_unique<Core>()) {}

std::unique_ptr<UserRing> UserRing::Create() { return Create(Options()); }

std::unique_ptr<UserRing> UserRing::Create(const Options& options) {
  std::unique_ptr<UserRing> ring(new UserRing());
  const int wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  ring->core_->wake_fd = Must(wake_fd, wake_fd >= 0, "eventfd");
  const kchan_ring_config config = {
      .channel = "test",
      .generation = kGeneration,
      .cpu = options.cpu,
      .max_payload_bytes = options.max_payload_bytes,
      .wake = &Core::Wake,
  };
  kchan_ring_init(ring->core(), &config);
  ring->MapMemory(options.data_bytes);
  if (options.attach_memory) ring->AttachMemory();
  return ring;
}

UserRing::~UserRing() {
  munmap(map_, map_bytes_);
  close(core_->wake_fd);
}

kchan_ring* UserRing::core() { return &core_->ring; }

void UserRing::MapMemory(uint64_t data_bytes) {
  const size_t page_bytes = PageBytes();
  const size_t control_bytes = 3 * page_bytes;
  // And a page that nobody may touch: who reads past the end is caught.
  map_bytes_ = control_bytes + 2 * data_bytes + page_bytes;

  const int fd = memfd_create("ring", MFD_CLOEXEC);
  Must(fd, fd >= 0, "memfd_create");
  Must(0, ftruncate(fd, static_cast<off_t>(control_bytes + data_bytes)) == 0, "ftruncate");
  map_ = mmap(nullptr, map_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  Must(0, map_ != MAP_FAILED, "mmap");
  auto* pages = static_cast<std::byte*>(map_);
  data_ = pages + control_bytes;
  const auto map_at = [fd](void* address, size_t bytes, size_t offset) {
    Must(0,
         mmap(address, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
              static_cast<off_t>(offset)) == address,
         "mmap");
  };
  map_at(pages, control_bytes + data_bytes, 0);
  map_at(data_ + data_bytes, data_bytes, control_bytes);
  close(fd);

  producer_ = reinterpret_cast<kchan_producer_page*>(pages + page_bytes);
  info_ = reinterpret_cast<kchan_info_page*>(pages + 2 * page_bytes);
  memory_ = {
      .consumer = reinterpret_cast<kchan_consumer_page*>(pages),
      .producer = producer_,
      .info = info_,
      .data = data_,
      .data_bytes = data_bytes,
  };
}

void UserRing::AttachMemory() {
  const kchan_ring_memory memory = {
      .consumer = memory_.consumer,
      .producer = producer_,
      .info = info_,
      .data = data_,
      .data_bytes = memory_.data_bytes,
      .page_bytes = static_cast<uint32_t>(PageBytes()),
  };
  kchan_ring_attach_memory(core(), &memory);
}

std::unique_ptr<source::MappedRing> UserRing::Map() { return std::make_unique<View>(*this); }

bool UserRing::WaitForWake(int timeout_ms) {
  pollfd wait = {.fd = core_->wake_fd, .events = POLLIN, .revents = 0};
  return poll(&wait, 1, timeout_ms) == 1;
}

void UserRing::ClearWake() {
  uint64_t count;
  [[maybe_unused]] const ssize_t cleared = read(core_->wake_fd, &count, sizeof(count));
}

void UserRing::MarkDead() {
  kchan_ring_mark_dead(core());
  Core::Wake(core());
}

kchan_ring_counters UserRing::Counters() const {
  kchan_ring_counters counters;
  kchan_ring_read_counters(&core_->ring, &counters);
  return counters;
}

}  // namespace kchan::testing
