// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/field_mask.h"

#include <algorithm>
#include <string_view>

#include "bridge/hub/schema_lookup.h"
#include "bridge/text/concat.h"

namespace kchan::hub {
namespace {

absl::Status WrongPath(size_t index, std::string_view problem) {
  return absl::InvalidArgumentError(text::Concat("[", index, "]: ", problem));
}

// False if a name between the dots is empty.
bool Split(std::string_view text, MaskPath& path) {
  for (;;) {
    const size_t dot = text.find('.');
    path.emplace_back(text.substr(0, dot));
    if (path.back().empty()) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

}  // namespace

absl::StatusOr<std::shared_ptr<const FieldMask>> FieldMask::Make(
    const std::vector<std::string>& paths) {
  if (paths.size() > kMaxMaskPaths) {
    return WrongPath(kMaxMaskPaths, text::Concat("at most ", kMaxMaskPaths, " are allowed"));
  }
  std::vector<MaskPath> split(paths.size());
  for (size_t i = 0; i < paths.size(); ++i) {
    if (paths[i].size() > kMaxMaskPathBytes) {
      return WrongPath(i, text::Concat("is longer than ", kMaxMaskPathBytes, " bytes"));
    }
    if (!Split(paths[i], split[i])) {
      return WrongPath(i, text::Concat("`", paths[i], "` is no path of a field, as `a` or `a.b`"));
    }
  }
  return std::shared_ptr<const FieldMask>(new FieldMask(paths, std::move(split)));
}

std::shared_ptr<const CompiledMask> FieldMask::CompiledFor(const Schema& schema) const {
  return compiled_.Get(&schema,
                       [this](const Schema* known) { return CompileMask(paths_, *known); });
}

absl::Status FieldMask::Check(const std::vector<std::shared_ptr<const Schema>>& schemas) const {
  if (schemas.empty()) return absl::OkStatus();
  std::vector<bool> matched(paths_.size());
  for (const auto& schema : schemas) {
    const auto compiled = CompiledFor(*schema);
    for (size_t i = 0; i < matched.size(); ++i) matched[i] = matched[i] || compiled->matched[i];
  }
  const auto missing = std::find(matched.begin(), matched.end(), false);
  if (missing == matched.end()) return absl::OkStatus();
  const auto index = static_cast<size_t>(missing - matched.begin());
  return WrongPath(index, text::Concat("no selected channel has a field `", texts_[index],
                                       "`; there are: ", FieldNames(schemas)));
}

std::vector<std::string> FieldMask::MissingIn(const CompiledMask& compiled) const {
  std::vector<std::string> missing;
  for (size_t i = 0; i < texts_.size(); ++i) {
    if (!compiled.matched[i]) missing.push_back(texts_[i]);
  }
  return missing;
}

}  // namespace kchan::hub
