// SPDX-License-Identifier: Apache-2.0
// A hostile ring: RingReader over arbitrary bytes in every page that it does
// not write itself, changed again while it reads. It may refuse; it may not
// touch a byte outside, nor give numbers that do not add up.
#include <cstdlib>

#include "bridge/source/ring_reader.h"
#include "ring.h"
#include "tests/fuzz/ring_fuzz_input.h"
#include "tests/unit/ring/user_ring.h"

namespace kchan::testing {
namespace {

// Small, so that few bytes of input reach every place and go round.
constexpr uint64_t kDataBytes = 4096;

struct TouchingSink {
  void OnRecord(const kchan_record& record, std::span<const std::byte> payload) {
    if (record.length != payload.size()) std::abort();
    for (const std::byte byte : payload) sum = sum + static_cast<uint8_t>(byte);
    ++numbers;
  }
  void OnLost(uint64_t count) { numbers += count; }
  volatile uint64_t sum = 0;
  uint64_t numbers = 0;
};

// One page or the data, at a place and with a value that the input chooses.
void Corrupt(UserRing& ring, FuzzInput& input) {
  const auto what = input.Take<uint8_t>();
  const auto value = input.Take<uint64_t>();
  const auto place = input.Take<uint16_t>();
  switch (what % 8) {
    case 0:
      ring.producer()->producer_pos = value;
      break;
    case 1:
      ring.producer()->producer_pos = value % (2 * kDataBytes) & ~uint64_t{7};
      break;
    case 2:
      ring.producer()->producer_seq = value;
      break;
    case 3:
      ring.producer()->producer_lost = value;
      break;
    case 4:
      ring.consumer()->consumer_pos = value % kDataBytes;
      break;
    case 5:
      ring.consumer()->lost_seen = value;
      break;
    case 6:
      reinterpret_cast<uint8_t*>(ring.info())[place % sizeof(kchan_info_page)] =
          static_cast<uint8_t>(value);
      break;
    default: {
      // Where records are: most of the rest is never looked at.
      const uint64_t words = ring.core()->published / 8 % (kDataBytes / 8) + 1;
      std::memcpy(ring.data() + place % words * 8, &value, sizeof(value));
      break;
    }
  }
}

void Run(FuzzInput input) {
  auto ring = UserRing::Create({.data_bytes = kDataBytes});
  const auto records = input.Take<uint8_t>() % 32;
  for (int i = 0; i < records; ++i) {
    uint8_t payload[255] = {};
    kchan_ring_emit(ring->core(), 1, payload, input.Take<uint8_t>());
  }
  for (auto n = input.Take<uint8_t>() % 8; n > 0; --n) Corrupt(*ring, input);

  auto attached = source::RingReader::Attach(ring->Map(), "ring fuzz");
  if (!attached.ok()) return;
  source::RingReader& reader = **attached;
  TouchingSink sink;
  const uint64_t used = reader.numbers_used();
  while (!input.empty()) {
    const auto drained = reader.Drain(sink, input.Take<uint16_t>());
    if (drained.ok() && *drained == 0) {
      if (!reader.ReportTailLoss(sink).ok()) return;
    }
    if (reader.numbers_used() - used != sink.numbers) std::abort();
    reader.Release();
    reader.Arm(input.Take<uint16_t>());
    Corrupt(*ring, input);
  }
}

}  // namespace
}  // namespace kchan::testing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kchan::testing::Run(kchan::testing::FuzzInput({data, size}));
  return 0;
}
