// SPDX-License-Identifier: Apache-2.0
// Everything that can happen to a channel, of every transport, all at once: what
// must not come of it is a hang, a complaint of the kernel (which the test's
// caller looks for) or a module that cannot be unloaded.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "chardev_file.h"
#include "hold_testing.h"
#include "kernel_file.h"
#include "ring_file.h"
#include "ring_writer.h"
#include "testbed.h"
#include "value_testing.h"

namespace kchan::guest {
namespace {

constexpr int kReloads = 15;
// However slow the machine is.
constexpr auto kLongest = std::chrono::seconds(50);

constexpr const char* kModules[] = {"kchan_testbed",          "kchan_testbed_value",
                                    "kchan_testbed_block",    "kchan_testbed_hold",
                                    "kchan_testbed_doorbell", "kchan_testlog"};

// Runs each actor on a thread of its own until Stop(). An actor says whether it
// came through: channels are gone half of the time.
class Crowd {
 public:
  void Add(std::string name, std::function<bool()> act) {
    actors_.push_back(std::make_unique<Actor>());
    Actor* actor = actors_.back().get();
    actor->name = std::move(name);
    actor->thread = std::thread([this, actor, act = std::move(act)] {
      while (!stop_) actor->done += act();
    });
  }
  bool AllHaveActed() const {
    return std::all_of(actors_.begin(), actors_.end(), [](const auto& a) { return a->done > 0; });
  }
  void Stop() {
    stop_ = true;
    for (const auto& actor : actors_) {
      actor->thread.join();
      EXPECT_GT(actor->done, 0u) << actor->name << " never came through";
    }
    actors_.clear();
  }

 private:
  struct Actor {
    std::string name;
    std::atomic<uint64_t> done = 0;
    std::thread thread;
  };

  std::atomic<bool> stop_ = false;
  std::vector<std::unique_ptr<Actor>> actors_;
};

// ---- Actors -------------------------------------------------------------------

bool MapARing(const std::string& channel, uint32_t cpu) {
  RingFile file;
  if (file.Attach(channel, cpu) != 0) return false;
  const Mapping consumer(file.fd(), KCHAN_PAGE_CONSUMER, 1, PROT_READ | PROT_WRITE);
  const Mapping rest(file.fd(), KCHAN_PAGE_PRODUCER, 2 + 2 * file.data_pages(), PROT_READ);
  if (consumer.error() != 0 || rest.error() != 0) return false;
  auto* page = reinterpret_cast<volatile kchan_consumer_page*>(consumer.at());
  auto* producer = reinterpret_cast<const volatile kchan_producer_page*>(rest.at());
  page->consumer_pos = producer->producer_pos;
  page->wake_pos = page->consumer_pos + 1;
  file.Poll(1);
  madvise(rest.at(), rest.bytes(), MADV_DONTNEED);
  const uint64_t seen = producer->producer_pos;
  EXPECT_GE(seen, page->consumer_pos);
  return true;
}

bool WriteToAll() {
  GenlSocket socket;
  bool written = false;
  for (const char* channel :
       {"test.per_cpu", "test.shared", "test.mutex", "test.semaphore", "test.genl", "test.chardev",
        "test.relay.write", "test.relay.overwrite.write", "test.file"}) {
    written |= WriteRecords(socket, channel, {.count = 300, .length = 64}) == 0;
    WriteRecords(socket, channel, {.count = 50, .length = 64, .form = Form::kHardirq});
    socket.Do(KCHAN_CMD_CHANNEL_SET, Named(channel).U32(KCHAN_A_LINGER_MS, 1));
  }
  return written;
}

bool ListenToGenl() {
  GenlSocket socket;
  socket.Join(KCHAN_GENL_GROUP_RECORDS);
  socket.Do(KCHAN_CMD_ENABLE, Named("test.genl"));
  Message message;
  const bool came = socket.Receive([](const Message&) { return true; }, &message, 20);
  if (std::random_device()() % 2) socket.Do(KCHAN_CMD_DISABLE, Named("test.genl"));
  return came;
}

bool AskAround() {
  GenlSocket socket;
  socket.Dump(KCHAN_CMD_CHANNEL_GET);
  socket.Do(KCHAN_CMD_SCHEMA_GET, Named("test.genl"));
  return socket.Do(KCHAN_CMD_STATS_GET, Named("test.per_cpu")).error == 0;
}

bool BeRefused() {
  GenlSocket socket;
  const Answer answer = Send(socket, "test.hold.mutex", {.what = Order::kRefuse, .refusal = EDOM});
  return answer.error == EDOM && answer.text == kRefusal;
}

bool UseANode() {
  const ChardevFile node = ChardevFile::Node("test.chardev", O_RDWR | O_NONBLOCK);
  const ChardevFile attached = ChardevFile::Attached("test.chardev", O_RDWR | O_NONBLOCK);
  if (node.error() != 0 || attached.error() != 0) return false;
  ssize_t by_node = 0, by_frames = 0;
  bool read = false;
  for (int i = 0; i < 20; i++) {
    node.Command({.count = 10, .length = 100});
    node.Poll(POLLIN, 1);
    node.Read(&by_node);
    attached.Read(&by_frames);
    read |= by_node > 0 || by_frames > 0;
  }
  return read;
}

bool DrainARelay(const std::string& channel) {
  GenlSocket socket;
  if (socket.Do(KCHAN_CMD_ENABLE, Named(channel)).error != 0) return false;
  WriteRecords(socket, channel + ".write", {.count = 200, .length = 200});
  bool drained = false;
  for (const char* cpu : {"/cpu0", "/cpu1"}) {
    const int file =
        open(("/sys/kernel/debug/kchan/" + channel + cpu).c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;
    std::array<char, 64 << 10> bytes;
    while (read(file, bytes.data(), bytes.size()) > 0) drained = true;
    close(file);
  }
  return drained;
}

bool ChangeValues(Values values) {
  GenlSocket socket;
  ValueFile file;
  if (file.Attach(NameOf(values)) != 0) return false;
  const Mapping mapping(file.fd(), 0, 1, PROT_READ);
  const ValueAttribute level(NameOf(values), "level", O_RDWR);
  ModuleChanges(socket, {.channel = values,
                         .operation = Operation::kAdd,
                         .word = kLevel,
                         .in_hardirq = values != Values::kMutex,
                         .operand = 1,
                         .count = 500});
  file.Read();
  file.Poll(1);
  if (mapping.error() == 0) ReadPage(reinterpret_cast<const kchan_value_page*>(mapping.at()));
  level.Read();
  return file.Add(kLevel, 1) == 0 && level.Write("3") == 0;
}

bool UseADisk() {
  constexpr size_t kBytes = 16 << 10;
  const int disk = open("/dev/kchan.test.block.rw", O_RDWR | O_DIRECT | O_CLOEXEC);
  if (disk < 0) return false;
  const std::unique_ptr<void, decltype(&std::free)> block(std::aligned_alloc(4096, kBytes),
                                                          &std::free);
  std::fill_n(static_cast<char*>(block.get()), kBytes, 'x');
  uint64_t range[2] = {kBytes, kBytes};
  const bool done = pwrite(disk, block.get(), kBytes, 4096) == ssize_t(kBytes) &&
                    pread(disk, block.get(), kBytes, 8192) == ssize_t(kBytes) &&
                    ioctl(disk, BLKDISCARD, range) == 0 && fsync(disk) == 0;
  close(disk);
  return done;
}

// Hands over one file after the other, and commands in a third.
bool HoldFiles() {
  const std::string commands = SmallDisk::Path("commands");
  const std::string frame = CommandFrame({.count = 100, .length = 200});
  std::ofstream(commands, std::ios::binary) << frame << frame;
  Holder holder;
  if (holder.Attach("test.file") != 0) return false;
  bool done = true;
  for (const char* name : {"out.0", "out.1"}) {
    unlink(SmallDisk::Path(name).c_str());
    done &= holder.Output(SmallDisk::Path(name), nullptr, KCHAN_SYNC_ALWAYS) == 0;
    const int file = open(commands.c_str(), O_RDONLY | O_CLOEXEC);
    kchan_file_hand told;
    done &= holder.Commands(file, &told) == 0;
    close(file);
  }
  return done;
}

bool SayLines() {
  GenlSocket socket;
  if (socket.Do(KCHAN_CMD_ENABLE, Named("test.log")).error != 0) return false;
  const uint32_t count = 100;
  std::string payload(reinterpret_cast<const char*>(&count), sizeof(count));
  payload += "all at once";
  const bool said =
      socket
          .Do(KCHAN_CMD_SEND, Named("test.log.write")
                                  .U16(KCHAN_A_RECORD_TYPE, 1)
                                  .Put(KCHAN_A_PAYLOAD, payload.data(), payload.size()))
          .error == 0;
  if (std::random_device()() % 2) socket.Do(KCHAN_CMD_DISABLE, Named("test.log"));
  return said;
}

bool RingADoorbell() {
  RingWriter writer({.data_bytes = KCHAN_MIN_RING_BYTES});
  if (writer.error() != 0) return false;
  for (uint64_t number = 1; number <= 20; number++) {
    writer.AddNote(number, {.refusal = number % 3 == 0 ? uint32_t{EDOM} : 0});
  }
  return writer.Ring() == 0;
}

void SetOnline(int cpu, bool online) {
  std::ofstream("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/online") << online;
}

bool PlugACpu() {
  SetOnline(1, false);
  SetOnline(1, true);
  return true;
}

// ---- All at once ----------------------------------------------------------------

void AddEverybody(Crowd* crowd) {
  crowd->Add("ring of CPU 0", [] { return MapARing("test.per_cpu", 0); });
  crowd->Add("ring of CPU 1", [] { return MapARing("test.per_cpu", 1); });
  crowd->Add("shared ring", [] { return MapARing("test.shared", KCHAN_CPU_SHARED); });
  crowd->Add("writer", WriteToAll);
  crowd->Add("genl", ListenToGenl);
  crowd->Add("questions", AskAround);
  crowd->Add("refusals", BeRefused);
  crowd->Add("chardev", UseANode);
  crowd->Add("relay", [] { return DrainARelay("test.relay"); });
  crowd->Add("relay, overwriting", [] { return DrainARelay("test.relay.overwrite"); });
  crowd->Add("atomic values", [] { return ChangeValues(Values::kFree); });
  crowd->Add("locked values", [] { return ChangeValues(Values::kSpin); });
  crowd->Add("sleeping values", [] { return ChangeValues(Values::kMutex); });
  crowd->Add("block", UseADisk);
  crowd->Add("file", HoldFiles);
  crowd->Add("log", SayLines);
  crowd->Add("doorbell", RingADoorbell);
  crowd->Add("CPU hotplug", PlugACpu);
}

TEST(StressTest, AllAtOnce) {
  const SmallDisk disk("8m");
  ASSERT_EQ(disk.error(), 0);
  for (const char* module : kModules) ASSERT_EQ(LoadModule(module), 0) << module;
  Crowd crowd;
  AddEverybody(&crowd);
  const auto deadline = std::chrono::steady_clock::now() + kLongest;
  const auto late = [&] { return std::chrono::steady_clock::now() >= deadline; };
  while (!crowd.AllHaveActed() && !late()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  int reloads = 0;
  do {
    for (const char* module : kModules) {
      EXPECT_EQ(UnloadModule(module), 0) << module;
      EXPECT_EQ(LoadModule(module), 0) << module;
    }
    reloads++;
  } while (reloads < kReloads && !late());
  crowd.Stop();
  SetOnline(1, true);
  RecordProperty("reloads", reloads);
  for (const char* module : kModules) EXPECT_EQ(UnloadModule(module), 0) << module;
}

}  // namespace
}  // namespace kchan::guest
