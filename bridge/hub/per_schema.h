// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_PER_SCHEMA_H_
#define KCHAN_BRIDGE_HUB_PER_SCHEMA_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "bridge/hub/schema.h"

namespace kchan::hub {

// What something was compiled to, once for each schema that it met.
//
// Thread safety: any thread.
template <typename Compiled>
class PerSchema {
 public:
  // `schema` may be null. compile(schema) is called under the lock.
  template <typename Compile>
  std::shared_ptr<const Compiled> Get(const Schema* schema, Compile&& compile) {
    const std::lock_guard lock(mutex_);
    const uint64_t id = schema == nullptr ? 0 : schema->id;
    if (const auto known = compiled_.find(id); known != compiled_.end()) return known->second;
    if (compiled_.size() == kMaxCompiled) compiled_.clear();
    auto compiled = std::make_shared<const Compiled>(compile(schema));
    compiled_.emplace(id, compiled);
    return compiled;
  }

 private:
  // More than a subscription meets; beyond it they are made again.
  static constexpr size_t kMaxCompiled = 256;

  std::mutex mutex_;
  // By the schema's id; 0 is no schema's.
  std::map<uint64_t, std::shared_ptr<const Compiled>> compiled_;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_PER_SCHEMA_H_
