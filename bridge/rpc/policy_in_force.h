// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_POLICY_IN_FORCE_H_
#define KCHAN_BRIDGE_RPC_POLICY_IN_FORCE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "bridge/security/authorizer.h"

namespace kchan::rpc {

// The policy that holds now: replaced as a whole, so that each decision is made
// by one of them.
//
// Thread safety: any thread.
class PolicyInForce {
 public:
  // Null: there is none, and listeners' rights decide.
  using Policy = std::shared_ptr<const security::Authorizer>;

  explicit PolicyInForce(Policy policy) : policy_(std::move(policy)) {}

  void Set(Policy policy) {
    const std::lock_guard lock(mutex_);
    policy_.swap(policy);
    ++version_;
  }

  Policy Get() const {
    const std::lock_guard lock(mutex_);
    return policy_;
  }

  // Grows with each Set(). Cheap.
  uint64_t version() const { return version_; }

 private:
  mutable std::mutex mutex_;
  Policy policy_;  // guarded by mutex_
  std::atomic<uint64_t> version_{1};
};

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_POLICY_IN_FORCE_H_
