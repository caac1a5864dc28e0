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
#include "tests/fuzz/hub_schema_input.h"
#include "tests/unit/hub/filter_testing.h"

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

  testing::Input input(cut == std::string_view::npos ? std::string_view() : whole.substr(cut + 1));
  const ByteOrder order = input.Byte() % 2 == 0 ? ByteOrder::kLittle : ByteOrder::kBig;
  const Schema schema = testing::MakeSchema(
      {{1, "fact", "", Direction::kToUser, 32, testing::Fields(input, /*may_nest=*/true)}}, order);
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
