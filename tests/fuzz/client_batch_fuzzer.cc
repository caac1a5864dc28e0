// SPDX-License-Identifier: Apache-2.0
// A daemon sends anything as a batch: it is refused, or it adds up and lies
// within its bytes, also after its first part has been skipped.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "kchan/batch.h"

namespace {

void Check(bool is_true) {
  if (!is_true) std::abort();
}

void CheckBatch(const kchan::BatchView& batch, std::string_view bytes) {
  const auto is_inside = [&](std::string_view view) {
    return view.empty() || (view.data() >= bytes.data() &&
                            view.data() + view.size() <= bytes.data() + bytes.size());
  };
  uint64_t counted = batch.filtered();
  uint64_t behind = 0;
  batch.ForEach(
      [&](const kchan::RecordView& record) {
        Check(is_inside(record.payload));
        Check(record.sequence > behind && record.sequence <= batch.last_sequence());
        behind = record.sequence;
        ++counted;
      },
      [&](const kchan::LostView& lost) {
        Check(is_inside(lost.cause));
        counted += lost.count;
        if (lost.count == 0) return;
        Check(lost.first_sequence > behind);
        behind = lost.first_sequence + (lost.count - 1);
        Check(behind >= lost.first_sequence && behind <= batch.last_sequence());
      });
  if (batch.first_sequence() == 0) {
    Check(counted == 0);
  } else {
    Check(batch.last_sequence() - batch.first_sequence() + 1 == counted);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  kchan::BatchView batch;
  if (!batch.Parse(bytes).ok()) return 0;
  CheckBatch(batch, bytes);
  // Somewhere inside, at its ends, and beyond them.
  const uint64_t first = batch.first_sequence();
  const uint64_t last = batch.last_sequence();
  for (const uint64_t through : {first, first + (last - first) / 2, last, last + 1, uint64_t{0}}) {
    kchan::BatchView part;
    Check(part.Parse(bytes).ok());
    if (part.SkipThrough(through).ok()) CheckBatch(part, bytes);
  }
  return 0;
}
