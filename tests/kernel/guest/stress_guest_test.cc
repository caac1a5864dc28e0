// SPDX-License-Identifier: Apache-2.0
// Everything that can happen to a channel, all at once: what must not come of
// it is a hang, a complaint of the kernel (which the test's caller looks for)
// or a module that cannot be unloaded.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ring_file.h"
#include "testbed.h"

namespace kchan::guest {
namespace {

constexpr int kReloads = 15;

// Runs each actor on a thread of its own until Stop().
class Crowd {
 public:
  void Add(std::function<void()> act) {
    threads_.emplace_back([this, act = std::move(act)] {
      while (!stop_) act();
    });
  }
  void Stop() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  std::atomic<bool> stop_ = false;
  std::vector<std::thread> threads_;
};

void ReadForAMoment(const std::string& channel, uint32_t cpu) {
  RingFile file;
  if (file.Attach(channel, cpu) != 0) return;
  const Mapping consumer(file.fd(), KCHAN_PAGE_CONSUMER, 1, PROT_READ | PROT_WRITE);
  const Mapping rest(file.fd(), KCHAN_PAGE_PRODUCER, 2 + 2 * file.data_pages(), PROT_READ);
  if (consumer.error() != 0 || rest.error() != 0) return;
  auto* page = reinterpret_cast<volatile kchan_consumer_page*>(consumer.at());
  auto* producer = reinterpret_cast<const volatile kchan_producer_page*>(rest.at());
  page->consumer_pos = producer->producer_pos;
  page->wake_pos = page->consumer_pos + 1;
  file.Poll(1);
  madvise(rest.at(), rest.bytes(), MADV_DONTNEED);
  const uint64_t seen = producer->producer_pos;
  EXPECT_GE(seen, page->consumer_pos);
}

void SetOnline(int cpu, bool online) {
  std::ofstream("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/online") << online;
}

TEST(StressTest, AllAtOnce) {
  ASSERT_EQ(LoadModule("kchan_testbed"), 0);
  Crowd crowd;
  crowd.Add([] { ReadForAMoment("test.per_cpu", 1); });
  crowd.Add([] { ReadForAMoment("test.per_cpu", 0); });
  crowd.Add([] { ReadForAMoment("test.shared", KCHAN_CPU_SHARED); });
  crowd.Add([] {
    GenlSocket socket;
    for (const char* channel : {"test.per_cpu", "test.shared", "test.mutex", "test.genl"}) {
      WriteRecords(socket, channel, {.count = 500, .length = 64});
      WriteRecords(socket, channel, {.count = 50, .length = 64, .form = Form::kHardirq});
      socket.Do(KCHAN_CMD_CHANNEL_SET, Named(channel).U32(KCHAN_A_LINGER_MS, 1));
    }
  });
  crowd.Add([] {
    GenlSocket socket;
    socket.Join(KCHAN_GENL_GROUP_RECORDS);
    socket.Do(KCHAN_CMD_ENABLE, Named("test.genl"));
    Message message;
    socket.Receive([](const Message&) { return true; }, &message, 5);
    if (std::random_device()() % 2) socket.Do(KCHAN_CMD_DISABLE, Named("test.genl"));
  });
  crowd.Add([] {
    GenlSocket socket;
    socket.Dump(KCHAN_CMD_CHANNEL_GET);
    socket.Do(KCHAN_CMD_STATS_GET, Named("test.per_cpu"));
    socket.Do(KCHAN_CMD_SCHEMA_GET, Named("test.genl"));
  });
  crowd.Add([] {
    SetOnline(1, false);
    SetOnline(1, true);
  });
  for (int i = 0; i < kReloads; i++) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // let them act
    ASSERT_EQ(UnloadModule("kchan_testbed"), 0);
    ASSERT_EQ(LoadModule("kchan_testbed"), 0);
  }
  crowd.Stop();
  SetOnline(1, true);
  EXPECT_EQ(UnloadModule("kchan_testbed"), 0);
}

}  // namespace
}  // namespace kchan::guest
