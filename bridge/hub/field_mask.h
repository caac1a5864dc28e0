// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_FIELD_MASK_H_
#define KCHAN_BRIDGE_HUB_FIELD_MASK_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/hub/mask_compile.h"
#include "bridge/hub/per_schema.h"
#include "bridge/hub/schema.h"

namespace kchan::hub {

// Bounds of what a client may ask for.
inline constexpr size_t kMaxMaskPaths = 128;
inline constexpr size_t kMaxMaskPathBytes = 512;  // of one

// Which fields of its records a subscription is given, shared by all that ask for
// the same: paths, compiled once for each schema that they meet.
//
// Thread safety: any thread.
class FieldMask {
 public:
  // INVALID_ARGUMENT: too many, too long, or one that has an empty name; the
  // message begins with the path's place, "[2]: ..".
  static absl::StatusOr<std::shared_ptr<const FieldMask>> Make(
      const std::vector<std::string>& paths);

  std::shared_ptr<const CompiledMask> CompiledFor(const Schema& schema) const;

  // INVALID_ARGUMENT: a path that none of the schemas has; as Make(). Without
  // schemas nothing is wrong.
  absl::Status Check(const std::vector<std::shared_ptr<const Schema>>& schemas) const;

  // Those that the schema does not have.
  std::vector<std::string> MissingIn(const CompiledMask& compiled) const;

 private:
  FieldMask(std::vector<std::string> texts, std::vector<MaskPath> paths)
      : texts_(std::move(texts)), paths_(std::move(paths)) {}

  const std::vector<std::string> texts_;
  const std::vector<MaskPath> paths_;
  mutable PerSchema<CompiledMask> compiled_;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_FIELD_MASK_H_
