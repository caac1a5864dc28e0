// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_SOAK_TICK_AUDIT_H_
#define KCHAN_TESTS_SOAK_TICK_AUDIT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kchan/batch.h"
#include "kchan/v1/record.pb.h"

namespace kchan::soak {

// What a client has seen of a tick channel, however often it came back: every
// number is a record, lost or withheld, and follows the one before.
//
// tick's writers number their own records. That is the second opinion: what
// is missing between two records of a writer must have been told of.
//
// Thread safety: one thread.
class TickAudit {
 public:
  void Add(const BatchView& batch);

  // Where to go on; nothing before the first batch.
  const std::optional<v1::Cursor>& cursor() const { return cursor_; }

  uint64_t records() const { return records_; }
  uint64_t withheld() const { return withheld_; }
  const std::map<v1::LossStage, uint64_t>& lost() const { return lost_; }
  size_t epochs() const { return epochs_seen_.size(); }
  // What cannot be true, in words. The first hundred.
  const std::vector<std::string>& violations() const { return violations_; }

 private:
  // One epoch. What came before it was left does not count for the next.
  struct Epoch {
    uint64_t epoch = 0;
    uint64_t last = 0;
    uint64_t accounted = 0;  // lost and withheld
    uint64_t missing = 0;    // between two records of one writer
    std::map<uint32_t, uint64_t> last_of_writer;
  };

  void AddRecord(const RecordView& record);
  void Violation(const std::string& what);

  std::optional<v1::Cursor> cursor_;
  Epoch now_;
  std::set<uint64_t> epochs_seen_;
  uint64_t records_ = 0;
  uint64_t withheld_ = 0;
  std::map<v1::LossStage, uint64_t> lost_;
  std::vector<std::string> violations_;
};

}  // namespace kchan::soak

#endif  // KCHAN_TESTS_SOAK_TICK_AUDIT_H_
