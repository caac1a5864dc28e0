// SPDX-License-Identifier: Apache-2.0
// Any field mask of a remote client, under any schema and against any payload:
// nothing is read outside the payload, and what is cut out says the same of each
// field as the whole.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "bridge/hub/field_mask.h"
#include "tests/fuzz/hub_schema_input.h"
#include "tests/unit/hub/filter_testing.h"
#include "tests/unit/hub/mask_testing.h"

namespace {

using kchan::hub::Field;
using kchan::hub::FieldKind;
using kchan::hub::testing::Input;

// Puts fields behind each other, with padding, as a module's are; returns where
// they end. What takes the rest is the last.
uint32_t LayOut(Input& input, std::vector<Field>& fields) {
  uint32_t end = 0;
  for (size_t i = 0; i < fields.size(); ++i) {
    Field& field = fields[i];
    const auto kind = static_cast<FieldKind>(field.kind);
    if (IsRest(kind)) fields.resize(i + 1);
    field.offset = end + input.Byte() % 4;
    const uint32_t count = 1 + input.Byte() % 3;
    if (kind == FieldKind::kStruct) {
      field.element_bytes = LayOut(input, field.members) + input.Byte() % 3;
      field.size_bytes = count * field.element_bytes;
    } else if (const uint32_t bytes = kchan::hub::IntegerBytes(kind); bytes != 0) {
      field.size_bytes = count * bytes;
    } else if (IsLoc(kind)) {
      field.size_bytes = 4;
    } else if (IsRest(kind)) {
      field.size_bytes = 0;
    }
    end = field.offset + field.size_bytes;
  }
  return end;
}

std::vector<std::string> Paths(std::string_view text) {
  std::vector<std::string> paths;
  for (;;) {
    const size_t comma = text.find(',');
    paths.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return paths;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace kchan::hub;
  const std::string_view whole(reinterpret_cast<const char*>(bytes), size);
  const size_t cut = whole.find('\0');
  const auto mask = FieldMask::Make(Paths(whole.substr(0, cut)));
  if (!mask.ok()) return 0;

  Input input(cut == std::string_view::npos ? std::string_view() : whole.substr(cut + 1));
  const ByteOrder order = input.Byte() % 2 == 0 ? ByteOrder::kLittle : ByteOrder::kBig;
  const bool is_tidy = input.Byte() % 4 != 0;
  std::vector<Field> fields = testing::Fields(input, /*may_nest=*/true);
  const uint32_t bytes_of_type = is_tidy ? LayOut(input, fields) : 32;
  const Schema schema = testing::MakeSchema(
      {{1, "fact", "", Direction::kToUser, bytes_of_type, std::move(fields)}}, order);
  const auto compiled = (*mask)->CompiledFor(schema);
  (void)(*mask)->MissingIn(*compiled);
  // A copy of its own, so that a sanitizer sees a byte too many.
  const std::vector<char> payload(input.rest().begin(), input.rest().end());
  const std::string_view view(payload.data(), payload.size());
  if (!testing::SaysTheSame(schema, *compiled, 1, view)) std::abort();
  return 0;
}
