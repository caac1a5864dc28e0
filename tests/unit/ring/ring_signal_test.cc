// SPDX-License-Identifier: Apache-2.0
// A CPU's contexts, for real: a thread writes, and signals interrupt it between
// any two instructions of the writer. SIGUSR1 plays the interrupt, SIGUSR2 the
// NMI that may interrupt that, too.
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/unit/ring/payload.h"
#include "tests/unit/ring/ring_fixture.h"

namespace kchan::testing {
namespace {

constexpr int kContexts = 3;  // the thread, SIGUSR1, SIGUSR2
// Of each kind. ThreadSanitizer holds signals back, to where they prove little.
#ifdef KCHAN_PORT_TSAN
constexpr uint64_t kEnoughInterrupts = 100;
#else
constexpr uint64_t kEnoughInterrupts = 1000;
#endif
constexpr size_t kMaxPayloadBytes = 200;

// What the contexts of the one writing thread share with its signal handlers.
struct Writers {
  kchan_ring* core = nullptr;
  std::atomic<uint64_t> attempts[kContexts] = {};
  std::atomic<uint64_t> withdrawn[kContexts] = {};
};
Writers writers;

// One attempt of one context: emit, or reserve and commit, or withdraw.
void Write(uint32_t context) {
  std::byte payload[kMaxPayloadBytes];
  const uint64_t attempt = writers.attempts[context]++;
  const PayloadHead head = {
      .attempt = attempt,
      .writer = context,
      .bytes =
          static_cast<uint32_t>(kMinPayloadBytes + attempt % (kMaxPayloadBytes - kMinPayloadBytes)),
  };
  if (attempt % 4 != 0) {
    WritePayload(head, payload);
    kchan_ring_emit(writers.core, 1, payload, head.bytes);
    return;
  }
  kchan_record* record = kchan_ring_reserve(writers.core, 1, head.bytes);
  if (IS_ERR(record)) return;
  if (attempt % 16 == 0) {
    ++writers.withdrawn[context];
    kchan_ring_discard(writers.core, record);
    return;
  }
  WritePayload(head, reinterpret_cast<std::byte*>(record + 1));
  kchan_ring_commit(writers.core, record);
}

void OnInterrupt(int) { Write(1); }
void OnNmi(int) { Write(2); }

void Install(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  ASSERT_EQ(sigaction(signal, &action, nullptr), 0);
}

// Each context's attempts come in its own order and whole.
struct CheckingSink {
  void OnRecord(const kchan_record&, std::span<const std::byte> payload) {
    PayloadHead head;
    ASSERT_TRUE(ReadPayload(payload, &head)) << "torn after " << records << " records";
    ASSERT_LT(head.writer, static_cast<uint32_t>(kContexts));
    ASSERT_GE(head.attempt, next_attempt[head.writer]) << "writer " << head.writer;
    next_attempt[head.writer] = head.attempt + 1;
    ++records;
  }
  void OnLost(uint64_t count) { lost += count; }

  uint64_t next_attempt[kContexts] = {};
  uint64_t records = 0;
  uint64_t lost = 0;
};

class RingSignalTest : public RingTest {};

TEST_F(RingSignalTest, WritersThatInterruptEachOtherLoseNothingUncounted) {
  Make({.data_bytes = 16384, .max_payload_bytes = kMaxPayloadBytes});
  writers.core = ring_->core();
  Install(SIGUSR1, OnInterrupt);
  Install(SIGUSR2, OnNmi);

  std::atomic<bool> done{false};
  std::atomic<bool> quiet{false};
  std::thread cpu([&done, &quiet] {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(40);
    while ((writers.attempts[1] < kEnoughInterrupts || writers.attempts[2] < kEnoughInterrupts) &&
           std::chrono::steady_clock::now() < deadline) {
      for (int i = 0; i < 100; ++i) Write(0);
    }
    done.store(true);
    // No signal may find the thread gone.
    while (!quiet.load()) sched_yield();
  });
  std::thread interrupts([&done, &cpu] {
    for (int i = 0; !done.load(); ++i) {
      pthread_kill(cpu.native_handle(), i % 2 == 0 ? SIGUSR2 : SIGUSR1);
    }
  });

  auto reader = Attach();
  CheckingSink sink;
  while (!done.load()) {
    const auto drained = reader->Drain(sink, 4096);
    ASSERT_TRUE(drained.ok()) << drained.status();
    if (*drained > 0) {
      reader->Release();
    } else {
      sched_yield();
    }
  }
  interrupts.join();
  quiet.store(true);
  cpu.join();

  while (*reader->Drain(sink, 4096) > 0) reader->Release();
  ASSERT_TRUE(reader->ReportTailLoss(sink).ok());

  const uint64_t attempts = writers.attempts[0] + writers.attempts[1] + writers.attempts[2];
  const uint64_t withdrawn = writers.withdrawn[0] + writers.withdrawn[1] + writers.withdrawn[2];
  EXPECT_GE(writers.attempts[1], kEnoughInterrupts) << "too few to prove anything";
  EXPECT_GE(writers.attempts[2], kEnoughInterrupts);
  EXPECT_EQ(ring_->core()->nest, 0u);
  EXPECT_EQ(sink.records + sink.lost, attempts - withdrawn);
  EXPECT_EQ(reader->numbers_used(), attempts - withdrawn);
  ExpectCountersAddUp(attempts - withdrawn, withdrawn);
}

}  // namespace
}  // namespace kchan::testing
