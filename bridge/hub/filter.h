// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_FILTER_H_
#define KCHAN_BRIDGE_HUB_FILTER_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/hub/filter_compile.h"
#include "bridge/hub/filter_syntax.h"
#include "bridge/hub/in_use.h"
#include "bridge/hub/per_schema.h"
#include "bridge/hub/schema.h"

namespace kchan::hub {

// A filter that subscriptions share: its text, parsed, and compiled once for
// each schema that it meets.
//
// Thread safety: any thread.
class Filter {
 public:
  // INVALID_ARGUMENT: as ParseFilter().
  static absl::StatusOr<std::shared_ptr<const Filter>> Make(std::string_view text);

  // `schema` may be null: then what is compiled knows the header only.
  std::shared_ptr<const CompiledFilter> CompiledFor(const Schema* schema) const;

  // INVALID_ARGUMENT: a field that none of the schemas has, or a value that it
  // can be compared with under none of them. Without schemas nothing is wrong.
  absl::Status Check(const std::vector<std::shared_ptr<const Schema>>& schemas) const;

  size_t terms() const { return syntax_.terms.size(); }

 private:
  explicit Filter(FilterSyntax syntax) : syntax_(std::move(syntax)) {}

  const FilterSyntax syntax_;
  mutable PerSchema<CompiledFilter> compiled_;
};

// The filters in use, by their text.
//
// Thread safety: any thread.
class FilterSet {
 public:
  // The filter that has this text, or a new one. Null: the text is blank, and
  // everything passes.
  absl::StatusOr<std::shared_ptr<const Filter>> Get(std::string_view text);

 private:
  InUse<std::string, Filter> filters_;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_FILTER_H_
