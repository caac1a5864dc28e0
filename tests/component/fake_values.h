// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_COMPONENT_FAKE_VALUES_H_
#define KCHAN_TESTS_COMPONENT_FAKE_VALUES_H_

#include <cstdint>
#include <memory>
#include <string>

#include "bridge/hub/hub.h"

namespace kchan::testing {

// One channel of values and what its source would do to it: "high" is a U64,
// "low" an S64, "note" text.
//
// Thread safety: one thread at a time.
class FakeValues {
 public:
  FakeValues(hub::Hub& hub, const std::string& name);

  // The kernel side's values after one more change, or `changes` of which the
  // last is seen.
  void Change(uint64_t high, uint64_t changes = 1);
  // The kernel side is gone; its next change is of a new generation.
  void Leave();

  hub::Channel& channel() { return *channel_; }
  static hub::ValueSnapshot Snapshot(uint64_t version, uint64_t high, uint64_t generation = 1);

 private:
  const std::shared_ptr<hub::Channel> channel_;
  uint64_t version_ = 0;
  uint64_t generation_ = 1;
};

// A channel of blocks as its provider describes it.
std::shared_ptr<hub::Channel> AddFakeBlocks(hub::Hub& hub, const std::string& name,
                                            const hub::BlockGeometry& geometry);

}  // namespace kchan::testing

#endif  // KCHAN_TESTS_COMPONENT_FAKE_VALUES_H_
