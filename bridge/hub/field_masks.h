// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_FIELD_MASKS_H_
#define KCHAN_BRIDGE_HUB_FIELD_MASKS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "bridge/hub/field_mask.h"
#include "bridge/hub/in_use.h"
#include "bridge/hub/schema.h"

namespace kchan::hub {

// The field masks of all subscriptions, and the schemas that they have made of
// channels' own: a client asks for what it is told of.
//
// Thread safety: any thread.
class FieldMasks {
 public:
  // Of schemas that no subscription uses any more, so many of all channels are
  // still found, the newest.
  static constexpr size_t kKeptSchemas = 256;

  // The mask that has these paths, or a new one. Errors: FieldMask::Make().
  absl::StatusOr<std::shared_ptr<const FieldMask>> Get(const std::vector<std::string>& paths);

  // Makes a schema findable. Returns what to hold while it is in use: it may be
  // known already.
  std::shared_ptr<const Schema> AddSchema(const std::string& channel,
                                          std::shared_ptr<const Schema> schema);
  // Null: it is none of that channel, or is forgotten.
  std::shared_ptr<const Schema> FindSchema(const std::string& channel, uint64_t schema_id) const;

 private:
  InUse<std::vector<std::string>, FieldMask> masks_;
  mutable std::mutex mutex_;  // guards the rest
  std::map<std::pair<std::string, uint64_t>, std::weak_ptr<const Schema>> schemas_;
  std::deque<std::shared_ptr<const Schema>> kept_;  // the newest last
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_FIELD_MASKS_H_
