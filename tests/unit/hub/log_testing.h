// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_UNIT_HUB_LOG_TESTING_H_
#define KCHAN_TESTS_UNIT_HUB_LOG_TESTING_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bridge/hub/log.h"
#include "bridge/hub/waiter.h"

namespace kchan::hub::testing {

// A record or a loss as a reader sees it.
struct Seen {
  bool is_record = false;
  uint64_t first = 0;  // its number, or the first one lost
  uint64_t count = 1;
  std::string payload = {};
  uint64_t boottime_ns = 0;
  uint32_t cpu = 0;
  uint32_t type = 0;
  LossStage stage = LossStage::kUnspecified;
  bool has_cpu = false;
  std::string cause = {};
};

// Decodes encoded elements by the letter of protobuf's format, without the
// hub's own decoder. A test failure where they are malformed.
std::vector<Seen> Decode(std::span<const std::byte> bytes);

// Everything in a batch, its own loss first. Fails the test where the batch
// breaks a rule that every batch keeps: the arithmetic, the order, whole
// elements, one epoch and schema.
std::vector<Seen> Decode(const LogBatch& batch);

std::vector<uint64_t> RecordNumbers(const std::vector<Seen>& seen);
// Sum of the losses of `stage`; of all if there is none given.
uint64_t LostNumbers(const std::vector<Seen>& seen, std::optional<LossStage> stage = std::nullopt);
std::vector<uint64_t> Range(uint64_t first, uint64_t last);

// Follows a log and holds it to its promises from one batch to the next:
// within an epoch nothing twice, nothing left out.
class Follower {
 public:
  Follower(const Log& log, const Start& start) : log_(&log), position_(*log.Seek(start)) {}
  Follower(const Log& log, const LogPosition& position) : log_(&log), position_(position) {}

  LogBatch Read(size_t max_bytes = 1 << 20);
  // Until there is nothing new.
  std::vector<Seen> ReadAll(size_t max_bytes = 1 << 20);

  LogPosition& position() { return position_; }
  const Cursor& cursor() const { return position_.cursor; }

 private:
  const Log* log_;
  LogPosition position_;
};

class CountingWaiter : public Waiter {
 public:
  void Notify() override { ++count; }
  int count = 0;
};

// What most tests start with: one epoch, and appends that are told apart.
class LogFixture {
 public:
  static constexpr uint64_t kEpoch = 0xe1;
  static constexpr uint64_t kSchema = 0x51;

  explicit LogFixture(const LogLimits& limits = {}) : log(limits, use) {}

  // Starts kEpoch at 1.
  LogFixture& Start() {
    log.StartEpoch(kEpoch, kSchema, 1);
    return *this;
  }
  // Appends `count` records, each "<number>" filled up to payload_bytes.
  void Append(uint64_t count, size_t payload_bytes = 16);
  void AppendPublished(uint64_t count, size_t payload_bytes = 16) {
    Append(count, payload_bytes);
    log.Publish();
  }

  std::shared_ptr<MemoryUse> use = std::make_shared<MemoryUse>();
  Log log;
};

std::string PayloadOf(uint64_t sequence, size_t bytes);

}  // namespace kchan::hub::testing

#endif  // KCHAN_TESTS_UNIT_HUB_LOG_TESTING_H_
