// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/schema_lookup.h"

#include <algorithm>

#include "bridge/text/concat.h"

namespace kchan::hub {

const Field* FindField(std::span<const Field> fields, std::string_view name) {
  for (const Field& field : fields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

std::string FieldNames(const std::vector<std::shared_ptr<const Schema>>& schemas) {
  constexpr size_t kMost = 16;
  std::vector<std::string_view> names;
  for (const auto& schema : schemas) {
    for (const RecordType& type : schema->types) {
      if (type.direction == Direction::kToKernel) continue;
      for (const Field& field : type.fields) {
        const bool is_new = std::find(names.begin(), names.end(), field.name) == names.end();
        if (is_new && names.size() <= kMost) names.emplace_back(field.name);
      }
    }
  }
  std::string text;
  for (size_t i = 0; i < names.size() && i < kMost; ++i) {
    text += text::Concat(i == 0 ? "" : " ", names[i]);
  }
  return names.size() > kMost ? text + " .." : text;
}

}  // namespace kchan::hub
