// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_BATCH_MESSAGE_H_
#define KCHAN_BRIDGE_RPC_BATCH_MESSAGE_H_

#include <string_view>

#include "bridge/hub/log.h"
#include "grpcpp/support/byte_buffer.h"

namespace kchan::rpc {

// SubscribeResponse{batch}, made of a small header and of slices of the log's
// own segments: nothing is encoded again, and only little runs are copied. The slices keep their
// segments alive for as long as gRPC holds them.
grpc::ByteBuffer BatchMessage(std::string_view channel, const hub::LogBatch& batch);

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_BATCH_MESSAGE_H_
