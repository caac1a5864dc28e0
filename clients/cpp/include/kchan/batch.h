// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BATCH_H_
#define KCHAN_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "kchan/clock.h"
#include "kchan/v1/record.pb.h"

namespace kchan {

// One fact produced by the kernel side; see kchan.v1.Record.
struct RecordView {
  uint64_t sequence = 0;
  uint64_t boottime_ns = 0;
  uint32_t cpu = 0;
  uint32_t type = 0;
  std::string_view payload;  // decode with kchan::Schema
  std::string_view json;     // in place of it, where Open.payload_format asks for that
};

// Records that will not come; see kchan.v1.Lost.
struct LostView {
  uint64_t first_sequence = 0;  // 0 if count is 0
  uint64_t count = 0;           // 0: unknown
  v1::LossStage stage = v1::LOSS_STAGE_UNSPECIFIED;
  std::optional<uint32_t> cpu = std::nullopt;
  std::string_view cause = {};
  size_t records_before = 0;  // its place: behind that many of the batch's records
};

// BatchView is a kchan.v1.Batch decoded in place: it holds no copy of a payload
// or a name, only views into the bytes that it was parsed from.
//
// A parsed batch is sound: everything lies within the bytes, elements stand in
// order of sequence inside [first_sequence, last_sequence], and
//
//   last_sequence - first_sequence + 1 == records + lost + filtered
//
// Thread safety: const methods from any thread; Parse() and SkipThrough() need
// exclusive access.
//
// Lifetime: every view in it dies with the parsed bytes. Copy what you keep.
class BatchView {
 public:
  // Replaces this batch by the encoded message `bytes`; keeps the memory of the
  // batch before, so that parsing in a loop allocates nothing.
  //
  // DATA_LOSS: the bytes are not a batch, or its arithmetic is wrong. The batch
  // is then empty.
  absl::Status Parse(std::string_view bytes);

  std::string_view channel() const { return channel_; }
  uint64_t epoch() const { return epoch_; }
  uint64_t schema_id() const { return schema_id_; }

  // The numbers that it covers; both as in kchan.v1.Batch.
  uint64_t first_sequence() const { return first_sequence_; }
  uint64_t last_sequence() const { return last_sequence_; }

  // How many numbers the subscription's selection withheld.
  uint64_t filtered() const { return filtered_; }
  // How many of these sampling withheld; after SkipThrough(), at most so many.
  uint64_t sampled() const { return sampled_; }

  // How many numbers are lost, not counting losses of unknown count.
  uint64_t lost_count() const { return lost_count_; }

  // Turns its records' boottime_ns into UTC. `now` is the subscription's clock;
  // records of an earlier boot bring their own.
  NodeClock ClockOf(const NodeClock& now) const {
    if (!clock_offset_ns_) return now;
    return NodeClock(static_cast<int64_t>(*clock_offset_ns_));
  }

  // Records and losses, each in order of sequence.
  std::span<const RecordView> records() const { return records_; }
  std::span<const LostView> lost() const { return lost_; }

  // Calls on_record(const RecordView&) and on_lost(const LostView&) for
  // everything, in the order in which it happened.
  template <typename OnRecord, typename OnLost>
  void ForEach(OnRecord&& on_record, OnLost&& on_lost) const {
    size_t next = 0;
    for (const LostView& lost : lost_) {
      while (next < lost.records_before) on_record(records_[next++]);
      on_lost(lost);
    }
    while (next < records_.size()) on_record(records_[next++]);
  }

  // Removes everything up to and including `sequence`, so that a reader who has
  // it already does not meet it again. The arithmetic goes on holding.
  //
  // DATA_LOSS: what remains cannot be made to add up.
  absl::Status SkipThrough(uint64_t sequence);

  // Makes it start at `sequence`, before its first: what is between is lost at
  // `stage`. `cause` must outlive the batch.
  void ExtendBack(uint64_t sequence, v1::LossStage stage, std::string_view cause);

 private:
  void Clear();
  absl::Status ParseFields(std::string_view bytes);
  absl::Status CheckArithmetic();
  absl::Status CheckOrder() const;
  absl::Status Malformed(std::string_view what) const;

  std::string_view channel_;
  uint64_t epoch_ = 0;
  uint64_t schema_id_ = 0;
  uint64_t first_sequence_ = 0;
  uint64_t last_sequence_ = 0;
  uint64_t filtered_ = 0;
  uint64_t sampled_ = 0;
  uint64_t lost_count_ = 0;
  std::optional<uint64_t> clock_offset_ns_;
  std::vector<RecordView> records_;
  std::vector<LostView> lost_;
};

}  // namespace kchan

#endif  // KCHAN_BATCH_H_
