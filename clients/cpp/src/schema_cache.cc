// SPDX-License-Identifier: Apache-2.0
#include "kchan/schema_cache.h"

#include <utility>

#include "concat.h"

namespace kchan {

absl::StatusOr<std::shared_ptr<const Schema>> SchemaCache::Get(std::string_view channel,
                                                               uint64_t schema_id) {
  for (auto it = schemas_.begin(); it != schemas_.end(); ++it) {
    if ((*it)->id() != schema_id) continue;
    schemas_.splice(schemas_.begin(), schemas_, it);
    return schemas_.front();
  }
  auto proto = client_->GetSchema(channel, schema_id);
  if (!proto.ok()) return proto.status();
  if (proto->id() != schema_id) {
    return absl::DataLossError(Concat("asked for schema ", schema_id, " of channel '", channel,
                                      "', got schema ", proto->id()));
  }
  auto schema = Schema::Make(*std::move(proto));
  if (!schema.ok()) return schema.status();
  schemas_.push_front(*std::move(schema));
  if (schemas_.size() > max_schemas_) schemas_.pop_back();
  return schemas_.front();
}

}  // namespace kchan
