// SPDX-License-Identifier: Apache-2.0
// Any filter of a remote client, under any schema and against any payload:
// nothing is read outside the payload, the tree means what its canonical text
// means, and the compiled program agrees with one that walks the tree.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bridge/hub/filter_compile.h"
#include "tests/unit/hub/filter_testing.h"

namespace {

using kchan::hub::Field;
using kchan::hub::FieldKind;

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
std::vector<Field> Fields(Input& input, bool may_nest) {
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace kchan::hub;
  const std::string_view whole(reinterpret_cast<const char*>(bytes), size);
  const size_t cut = whole.find('\0');
  const auto syntax = ParseFilter(whole.substr(0, cut));
  if (!syntax.ok()) return 0;
  const std::string canonical = testing::CanonicalText(*syntax);
  const auto again = ParseFilter(canonical);
  // It may have become too long, or too deep.
  const bool is_beyond = canonical.size() > kMaxFilterBytes ||
                         again.status().message().find(" deep") != absl::string_view::npos;
  if (again.ok() ? testing::CanonicalText(*again) != canonical : !is_beyond) std::abort();

  Input input(cut == std::string_view::npos ? std::string_view() : whole.substr(cut + 1));
  const ByteOrder order = input.Byte() % 2 == 0 ? ByteOrder::kLittle : ByteOrder::kBig;
  const Schema schema = testing::MakeSchema(
      {{1, "fact", "", Direction::kToUser, 32, Fields(input, /*may_nest=*/true)}}, order);
  const CompiledFilter compiled = CompileFilter(*syntax, &schema);
  // A copy of its own, so that a sanitizer sees a byte too many.
  const std::vector<char> payload(input.rest().begin(), input.rest().end());
  const RecordView record = {
      .sequence = 3, .cpu = 1, .type = 1, .payload = {payload.data(), payload.size()}};
  const bool matches = compiled.program.Matches(record);
  // The other one does not know names of types.
  if (canonical.find("record.") != std::string::npos) return 0;
  if (matches != testing::NaivelyMatches(*syntax, &schema, record)) std::abort();
  return 0;
}
