// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/field_masks.h"

namespace kchan::hub {

absl::StatusOr<std::shared_ptr<const FieldMask>> FieldMasks::Get(
    const std::vector<std::string>& paths) {
  return masks_.Get(paths, FieldMask::Make);
}

std::shared_ptr<const Schema> FieldMasks::AddSchema(const std::string& channel,
                                                    std::shared_ptr<const Schema> schema) {
  const std::lock_guard lock(mutex_);
  std::weak_ptr<const Schema>& known = schemas_[{channel, schema->id}];
  if (auto same = known.lock()) return same;
  known = schema;
  kept_.push_back(schema);
  if (kept_.size() > kKeptSchemas) kept_.pop_front();
  std::erase_if(schemas_, [](const auto& each) { return each.second.expired(); });
  return schema;
}

std::shared_ptr<const Schema> FieldMasks::FindSchema(const std::string& channel,
                                                     uint64_t schema_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = schemas_.find({channel, schema_id});
  return found == schemas_.end() ? nullptr : found->second.lock();
}

}  // namespace kchan::hub
