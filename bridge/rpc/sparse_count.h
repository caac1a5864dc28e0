// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_SPARSE_COUNT_H_
#define KCHAN_BRIDGE_RPC_SPARSE_COUNT_H_

#include <chrono>
#include <cstdint>
#include <utility>

namespace kchan::rpc {

// Counts what a client can cause at will, for a log in which it has a line now and
// then.
//
// Thread safety: none.
class SparseCount {
 public:
  // Once more. How often since it was told last, if it is to be told now; 0: not now.
  uint64_t Add(std::chrono::steady_clock::time_point now) {
    ++untold_;
    if (is_told_ && now - told_ < kInterval) return 0;
    is_told_ = true;
    told_ = now;
    return std::exchange(untold_, 0);
  }

 private:
  static constexpr std::chrono::seconds kInterval{10};

  uint64_t untold_ = 0;
  bool is_told_ = false;
  std::chrono::steady_clock::time_point told_;
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_SPARSE_COUNT_H_
