// SPDX-License-Identifier: Apache-2.0
// A hostile reader: any sequence of emit, reserve, commit and withdraw, nested,
// against a consumer page that the input writes. No two reservations may
// overlap, nothing that was published and not released may change, and the
// counters add up.
#include <cstdlib>
#include <vector>

#include "ring.h"
#include "tests/fuzz/ring_fuzz_input.h"
#include "tests/unit/ring/user_ring.h"

namespace kchan::testing {
namespace {

// Small, so that few bytes of input fill the ring and go round.
constexpr uint64_t kDataBytes = 4096;
constexpr uint32_t kMaxPayloadBytes = 1000;

#define REQUIRE(condition) \
  do {                     \
    if (!(condition)) {    \
      std::abort();        \
    }                      \
  } while (false)

class Writer {
 public:
  void Step(FuzzInput& input) {
    const auto what = input.Take<uint8_t>();
    const auto length = static_cast<uint32_t>(input.Take<uint16_t>() % (kMaxPayloadBytes + 50));
    switch (what % 6) {
      case 0:
        return Emit(length);
      case 1:
        return Reserve(length);
      case 2:
      case 3:
        return Finish(what % 6 == 2);
      case 4:
        ring_->consumer()->consumer_pos = ForgedPosition(input);
        return;
      default:
        ring_->consumer()->wake_pos = input.Take<uint64_t>();
        ring_->consumer()->lost_seen = input.Take<uint8_t>();
        return;
    }
  }

  void End() {
    while (!open_.empty()) Finish(true);
    const struct kchan_ring_counters counters = ring_->Counters();
    REQUIRE(counters.records == records_);
    REQUIRE(counters.records + counters.lost + counters.discarded == attempts_);
    REQUIRE(counters.lost == counters.lost_full + counters.lost_no_ring + counters.lost_contended +
                                 counters.lost_oversize);
    const kchan_producer_page& page = *ring_->producer();
    REQUIRE(page.producer_pos == static_cast<uint64_t>(ring_->core()->head.value));
    REQUIRE(page.producer_seq - page.producer_lost == records_);
    REQUIRE(page.producer_lost <= counters.lost);
    REQUIRE(ring_->core()->nest == 0);
  }

 private:
  struct Open {
    kchan_record* record;
    uint32_t length;
    uint8_t fill;
  };

  uint64_t ForgedPosition(FuzzInput& input) {
    const uint64_t published = ring_->producer()->producer_pos;
    switch (input.Take<uint8_t>() % 6) {
      case 0:
        return published;
      case 1:
        return published - input.Take<uint16_t>();
      case 2:
        return published + input.Take<uint16_t>();
      case 3:
        return ~uint64_t{0};
      case 4:
        return static_cast<uint64_t>(ring_->core()->head.value);
      default:
        return input.Take<uint64_t>();
    }
  }

  void Emit(uint32_t length) {
    static const uint8_t payload[kMaxPayloadBytes + 50] = {};
    ++attempts_;
    if (kchan_ring_emit(ring_->core(), 1, payload, length) == 0) ++records_;
    CheckOpen();
  }

  void Reserve(uint32_t length) {
    if (open_.size() == 8) return;
    ++attempts_;
    kchan_record* record = kchan_ring_reserve(ring_->core(), 1, length);
    if (IS_ERR(record)) return;
    const Open open = {.record = record, .length = length, .fill = fill_++};
    std::memset(record + 1, open.fill, length);
    open_.push_back(open);
    CheckOpen();
  }

  void Finish(bool commit) {
    if (open_.empty()) return;
    CheckOpen();
    const Open open = open_.back();
    open_.pop_back();
    if (commit) {
      kchan_ring_commit(ring_->core(), open.record);
      ++records_;
    } else {
      kchan_ring_discard(ring_->core(), open.record);
    }
  }

  // Nobody has written over a record that is not committed.
  void CheckOpen() {
    for (const Open& open : open_) {
      REQUIRE(open.record->length == open.length);
      const auto* payload = reinterpret_cast<const uint8_t*>(open.record + 1);
      for (uint32_t i = 0; i < open.length; ++i) REQUIRE(payload[i] == open.fill);
    }
    REQUIRE(static_cast<uint64_t>(ring_->core()->head.value) - ring_->core()->published <=
            kDataBytes);
  }

  std::unique_ptr<UserRing> ring_ =
      UserRing::Create({.data_bytes = kDataBytes, .max_payload_bytes = kMaxPayloadBytes});
  std::vector<Open> open_;
  uint64_t attempts_ = 0;
  uint64_t records_ = 0;
  uint8_t fill_ = 1;
};

}  // namespace
}  // namespace kchan::testing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kchan::testing::FuzzInput input({data, size});
  kchan::testing::Writer writer;
  while (!input.empty()) writer.Step(input);
  writer.End();
  return 0;
}
