// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_UNIT_RING_RECORDING_SINK_H_
#define KCHAN_TESTS_UNIT_RING_RECORDING_SINK_H_

#include <linux/kchan.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace kchan::testing {

// Keeps what a RingReader gives, as text: "a", "lost 3", "b".
struct RecordingSink {
  void OnRecord(const kchan_record& record, std::span<const std::byte> payload) {
    entries.emplace_back(reinterpret_cast<const char*>(payload.data()), payload.size());
    headers.push_back(record);
    ++records;
  }
  void OnLost(uint64_t count) {
    entries.push_back("lost " + std::to_string(count));
    lost += count;
  }

  std::vector<std::string> entries;
  std::vector<kchan_record> headers;
  uint64_t records = 0;
  uint64_t lost = 0;
};

}  // namespace kchan::testing

#endif  // KCHAN_TESTS_UNIT_RING_RECORDING_SINK_H_
