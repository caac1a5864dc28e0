// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_REFUSED_STREAM_H_
#define KCHAN_BRIDGE_RPC_REFUSED_STREAM_H_

#include "absl/status/status.h"
#include "bridge/rpc/status.h"

namespace kchan::rpc {

// A streaming call that ends before it began. Owns itself.
template <typename Reactor>
class RefusedStream final : public Reactor {
 public:
  explicit RefusedStream(const absl::Status& status) { this->Finish(ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_REFUSED_STREAM_H_
