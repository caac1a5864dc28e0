// SPDX-License-Identifier: Apache-2.0
#include "tests/soak/tick_audit.h"

#include <zlib.h>

#include <cstring>

#include "absl/strings/str_cat.h"

namespace kchan::soak {
namespace {

constexpr size_t kMaxViolations = 100;
constexpr uint32_t kTickType = 1;

// As kmod/sources/tick.h writes it; `fill` is where the rest is, and how long.
struct Tick {
  uint64_t counter;
  uint32_t writer;
  uint32_t cpu;
  uint32_t context;
  uint32_t size;
  uint32_t checksum;
  uint32_t fill;
};

uint32_t ChecksumOf(std::string_view bytes) {
  return static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

}  // namespace

void TickAudit::Add(const BatchView& batch) {
  if (batch.epoch() != now_.epoch) {
    if (!epochs_seen_.insert(batch.epoch()).second) {
      Violation(absl::StrCat("epoch ", batch.epoch(), " came back"));
    }
    now_ = {};
    now_.epoch = batch.epoch();
  }
  for (const LostView& lost : batch.lost()) lost_[lost.stage] += lost.count;
  if (batch.first_sequence() != 0) {
    if (now_.last != 0 && batch.first_sequence() != now_.last + 1) {
      Violation(
          absl::StrCat("epoch ", now_.epoch, ": ", batch.first_sequence(), " follows ", now_.last));
    }
    now_.last = batch.last_sequence();
    now_.accounted += batch.lost_count() + batch.filtered();
    withheld_ += batch.filtered();
  }
  for (const RecordView& record : batch.records()) AddRecord(record);
  if (now_.missing > now_.accounted) {
    Violation(absl::StrCat("epoch ", now_.epoch, " at ", now_.last, ": ", now_.missing,
                           " records are missing, ", now_.accounted, " were told of"));
    now_.missing = now_.accounted;
  }
  cursor_.emplace();
  cursor_->set_channel(std::string(batch.channel()));
  cursor_->set_epoch(now_.epoch);
  cursor_->set_sequence(now_.last);
}

void TickAudit::AddRecord(const RecordView& record) {
  ++records_;
  if (record.type != kTickType) return;
  Tick tick;
  if (record.payload.size() < sizeof(tick)) return Violation("a record shorter than its fields");
  std::memcpy(&tick, record.payload.data(), sizeof(tick));
  const uint32_t at = tick.fill & 0xffff;
  const uint32_t bytes = tick.fill >> 16;
  if (record.payload.size() != tick.size || at + bytes != tick.size ||
      ChecksumOf(record.payload.substr(at)) != tick.checksum) {
    return Violation(absl::StrCat("record ", record.sequence, " is not what was written"));
  }
  uint64_t& last = now_.last_of_writer[tick.writer];
  if (tick.counter <= last) {
    Violation(absl::StrCat("record ", record.sequence, " of writer ", tick.writer, ": ",
                           tick.counter, " follows ", last));
  } else if (last != 0) {
    now_.missing += tick.counter - last - 1;
  }
  last = tick.counter;
}

void TickAudit::Violation(const std::string& what) {
  if (violations_.size() < kMaxViolations) violations_.push_back(what);
}

}  // namespace kchan::soak
