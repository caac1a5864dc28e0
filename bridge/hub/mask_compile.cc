// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/mask_compile.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "bridge/hub/field_kind.h"
#include "bridge/hub/schema_lookup.h"
#include "bridge/hub/type_cutter.h"

namespace kchan::hub {
namespace {

using Names = std::span<const std::string>;

constexpr std::string_view kHeader = "record";
constexpr std::string_view kHeaderFields[] = {"sequence", "cpu", "boottime_ns", "type"};

bool IsOfHeader(Names path) {
  if (path[0] != kHeader || path.size() > 2) return false;
  return path.size() == 1 || std::ranges::find(kHeaderFields, path[1]) != std::end(kHeaderFields);
}

bool IsStruct(const Field& field) {
  return static_cast<FieldKind>(field.kind) == FieldKind::kStruct;
}

bool HasPath(std::span<const Field> fields, Names path) {
  const Field* field = FindField(fields, path[0]);
  if (field == nullptr || path.size() == 1) return field != nullptr;
  return IsStruct(*field) && HasPath(field->members, path.subspan(1));
}

// The fields that the paths lead to, where they were.
std::vector<Field> Pick(std::span<const Field> fields, const std::vector<Names>& paths) {
  std::vector<Field> picked;
  for (const Field& field : fields) {
    std::vector<Names> within;
    bool is_whole = false;
    for (const Names path : paths) {
      if (path[0] != field.name) continue;
      is_whole |= path.size() == 1;
      if (path.size() > 1) within.push_back(path.subspan(1));
    }
    if (is_whole) {
      picked.push_back(field);
    } else if (!within.empty() && IsStruct(field)) {
      Field part = field;
      part.members = Pick(field.members, within);
      if (!part.members.empty()) picked.push_back(std::move(part));
    }
  }
  return picked;
}

// Those of `type` that the mask leaves; notes which paths it has.
std::vector<Field> PickOf(const RecordType& type, const std::vector<MaskPath>& paths,
                          std::vector<bool>& matched) {
  std::vector<Names> here;
  bool is_whole = false;
  for (size_t i = 0; i < paths.size(); ++i) {
    const Names path = paths[i];
    if (IsOfHeader(path)) continue;
    const bool names_type = path[0] == type.name;
    if (HasPath(type.fields, path)) {
      here.push_back(path);
    } else if (names_type && path.size() == 1) {
      is_whole = true;
    } else if (names_type && HasPath(type.fields, path.subspan(1))) {
      here.push_back(path.subspan(1));
    } else {
      continue;
    }
    matched[i] = true;
  }
  return is_whole ? type.fields : Pick(type.fields, here);
}

}  // namespace

CompiledMask CompileMask(const std::vector<MaskPath>& paths, const Schema& schema) {
  CompiledMask compiled;
  for (const MaskPath& path : paths) compiled.matched.push_back(IsOfHeader(path));
  Schema left{.byte_order = schema.byte_order};
  std::vector<TypeCut> cuts;
  for (const RecordType& type : schema.types) {
    if (type.direction == Direction::kToKernel) continue;
    RecordType& cut_type = left.types.emplace_back(type);
    cut_type.fields = PickOf(type, paths, compiled.matched);
    cuts.push_back(CutType(cut_type, schema.byte_order));
  }
  std::sort(cuts.begin(), cuts.end(),
            [](const TypeCut& a, const TypeCut& b) { return a.type < b.type; });
  left.id = SchemaId(left);
  compiled.schema = std::make_shared<const Schema>(std::move(left));
  compiled.program = std::make_shared<const MaskProgram>(std::move(cuts));
  return compiled;
}

}  // namespace kchan::hub
