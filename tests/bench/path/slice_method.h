// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_BENCH_PATH_SLICE_METHOD_H_
#define KCHAN_TESTS_BENCH_PATH_SLICE_METHOD_H_

#include <grpcpp/support/slice.h>

#include "tests/bench/path/method.h"

namespace kchan::bench {

// One message that was encoded beforehand, for ever: what gRPC itself can do, with
// nothing of ours in the way.
class SliceMethod : public Method {
 public:
  // Counts records by the message's size: the ceiling does not even look.
  void Receive(const Setup& setup, const std::atomic<bool>& stop, Progress& progress) final;

 protected:
  // 256 KiB of records of this size.
  static grpc::Slice EncodeMessage(size_t record_bytes);
};

}  // namespace kchan::bench

#endif  // KCHAN_TESTS_BENCH_PATH_SLICE_METHOD_H_
