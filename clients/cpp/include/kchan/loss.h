// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_LOSS_H_
#define KCHAN_LOSS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "kchan/batch.h"

namespace kchan {

// The stage in words: "kernel ring", "log eviction".
std::string_view LossStageText(v1::LossStage stage);

// LossCounter adds up what a reader did not get, by stage.
//
// Thread safety: none; one reader's.
class LossCounter {
 public:
  void Add(const LostView& lost);
  void Add(const BatchView& batch) {
    for (const LostView& lost : batch.lost()) Add(lost);
  }

  // Lost records; losses of unknown count are not among them.
  uint64_t total() const { return total_; }
  uint64_t at(v1::LossStage stage) const;
  // How often an unknown number of records was lost.
  uint64_t unknown() const { return unknown_; }

  // "0 lost"; "12 lost (10 kernel ring, 2 log eviction)"; with "and an unknown
  // number 1 time" where there is one.
  std::string ToString() const;

 private:
  std::map<v1::LossStage, uint64_t> by_stage_;
  uint64_t total_ = 0;
  uint64_t unknown_ = 0;
};

}  // namespace kchan

#endif  // KCHAN_LOSS_H_
