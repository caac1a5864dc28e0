// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_FILTER_PROGRAM_H_
#define KCHAN_BRIDGE_HUB_FILTER_PROGRAM_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bridge/hub/element.h"

namespace kchan::hub {

// Where a test finds what it looks at.
struct FieldPlace {
  enum class Source : uint8_t { kSequence, kCpu, kBoottime, kInteger, kFixed, kLoc, kRest };
  // The elements of an array; the outer one comes first.
  struct Array {
    uint32_t count = 0;
    uint32_t element_bytes = 0;
  };

  Source source = Source::kFixed;
  bool is_big_endian = false;
  bool is_signed = false;
  bool ends_at_nul = false;
  uint64_t offset = 0;             // from the payload's start, of the first elements
  uint32_t bytes = 0;              // of an integer or what is fixed
  std::vector<Array> arrays = {};  // that it is in or is
};

// One comparison, ready to be made. It holds if what it looks at is there and
// compares; of an array, if one element does. Negated, if what it looks at is
// there and none does. kPresent alone is negated to "is not there".
struct FilterTest {
  enum class Kind : uint8_t {
    kPresent,     // not empty either
    kRange,       // low <= ((number & mask) ^ bias) <= high
    kEquals,      // the bytes are `text`
    kStartsWith,  // ...
    kEndsWith,
    kContains,
    kBefore,  // the bytes come before `text`
    kAtMost,  // before it, or are it
    kBehind,
    kAtLeast,
    kMasked,  // the bytes, as many as `mask_text` has, are `text` where that has bits
  };

  Kind kind = Kind::kPresent;
  bool is_negated = false;
  FieldPlace place = {};
  uint64_t mask = UINT64_MAX;
  uint64_t bias = 0;
  uint64_t low = 0;
  uint64_t high = 0;
  std::string text = {};
  std::string mask_text = {};
  // Where to go on.
  uint32_t if_true = 0;
  uint32_t if_false = 0;
};

// A filter, compiled for one schema: for each record type tests that jump, to
// each other or to the end. Jumps go to lower numbers only, so it ends.
//
// Reads nothing outside a payload, whatever it holds: what the payload has no
// room for is not there.
//
// Thread safety: immutable. Matches() allocates nothing.
class FilterProgram {
 public:
  using Label = uint32_t;
  static constexpr Label kAccept = UINT32_MAX;
  static constexpr Label kReject = UINT32_MAX - 1;

  // `entries` in order of type; `other` is for types that are not there.
  FilterProgram(std::vector<FilterTest> tests, std::vector<std::pair<uint32_t, Label>> entries,
                Label other)
      : tests_(std::move(tests)), entries_(std::move(entries)), other_(other) {}

  bool Matches(const RecordView& record) const;

 private:
  Label EntryOf(uint32_t type) const;

  const std::vector<FilterTest> tests_;
  const std::vector<std::pair<uint32_t, Label>> entries_;
  const Label other_;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_FILTER_PROGRAM_H_
