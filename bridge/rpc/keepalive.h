// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_KEEPALIVE_H_
#define KCHAN_BRIDGE_RPC_KEEPALIVE_H_

namespace kchan::rpc {

// A client that vanished is noticed also while nothing is sent.
inline constexpr int kKeepAliveMs = 30'000;
// How long it may leave a ping, or TCP's bytes, without an answer.
inline constexpr int kKeepAliveTimeoutMs = 10'000;

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_KEEPALIVE_H_
