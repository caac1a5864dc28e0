// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_FUZZ_HUB_SCHEMA_INPUT_H_
#define KCHAN_TESTS_FUZZ_HUB_SCHEMA_INPUT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bridge/hub/field_kind.h"
#include "bridge/hub/schema.h"

// Schemas that a fuzzer's input describes.
namespace kchan::hub::testing {

// Takes bytes off the input's front; zeros when there are no more.
class Input {
 public:
  explicit Input(std::string_view rest) : rest_(rest) {}
  uint8_t Byte() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return byte;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

// Fields named a, b, ..; a structure's members too, one level deep. Sizes and
// offsets need not make sense.
inline std::vector<Field> Fields(Input& input, bool may_nest) {
  std::vector<Field> fields(input.Byte() % 5);
  char name = 'a';
  for (Field& field : fields) {
    field.name = std::string(1, name++);
    field.kind = input.Byte() % 18;
    field.display = input.Byte() % 10;
    field.offset = input.Byte() % 32;
    field.size_bytes = input.Byte() % 33;
    if (input.Byte() % 4 == 0) field.unit = "us";
    if (input.Byte() % 4 == 0) field.names = {{input.Byte(), "up"}, {input.Byte(), "down"}};
    const bool is_struct = field.kind == static_cast<uint32_t>(FieldKind::kStruct);
    if (!is_struct || !may_nest) continue;
    field.element_bytes = 1 + input.Byte() % 16;
    field.members = Fields(input, /*may_nest=*/false);
  }
  return fields;
}

}  // namespace kchan::hub::testing

#endif  // KCHAN_TESTS_FUZZ_HUB_SCHEMA_INPUT_H_
