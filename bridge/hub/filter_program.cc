// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/filter_program.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <string_view>

namespace kchan::hub {
namespace {

using Kind = FilterTest::Kind;
using Source = FieldPlace::Source;

template <typename Integer>
uint64_t Load(const char* at, const FieldPlace& place) {
  static_assert(std::endian::native == std::endian::little);
  Integer value;
  std::memcpy(&value, at, sizeof(value));
  if (place.is_big_endian) {
    if constexpr (sizeof(value) == 2) value = __builtin_bswap16(value);
    if constexpr (sizeof(value) == 4) value = __builtin_bswap32(value);
    if constexpr (sizeof(value) == 8) value = __builtin_bswap64(value);
  }
  if (!place.is_signed) return value;
  using Signed = std::make_signed_t<Integer>;
  return static_cast<uint64_t>(int64_t{static_cast<Signed>(value)});
}

std::optional<uint64_t> IntegerAt(const FieldPlace& place, std::string_view payload,
                                  uint64_t offset) {
  if (offset > payload.size() || place.bytes > payload.size() - offset) return std::nullopt;
  const char* at = payload.data() + offset;
  switch (place.bytes) {
    case 1:
      return Load<uint8_t>(at, place);
    case 2:
      return Load<uint16_t>(at, place);
    case 4:
      return Load<uint32_t>(at, place);
    case 8:
      return Load<uint64_t>(at, place);
    default:
      return std::nullopt;
  }
}

std::optional<std::string_view> LocAt(const FieldPlace& place, std::string_view payload,
                                      uint64_t offset) {
  FieldPlace word = {.is_big_endian = place.is_big_endian, .bytes = 4};
  const std::optional<uint64_t> loc = IntegerAt(word, payload, offset);
  if (!loc) return std::nullopt;
  const size_t start = *loc & 0xffff;
  const size_t size = *loc >> 16;
  if (start > payload.size() || size > payload.size() - start) return std::nullopt;
  return payload.substr(start, size);
}

std::optional<std::string_view> BytesAt(const FieldPlace& place, std::string_view payload,
                                        uint64_t offset) {
  if (offset > payload.size()) return std::nullopt;
  std::optional<std::string_view> bytes;
  if (place.source == Source::kLoc) {
    bytes = LocAt(place, payload, offset);
  } else if (place.source == Source::kRest) {
    bytes = payload.substr(offset);
  } else if (place.bytes <= payload.size() - offset) {
    bytes = payload.substr(offset, place.bytes);
  }
  if (bytes && place.ends_at_nul) bytes = bytes->substr(0, bytes->find('\0'));
  return bytes;
}

// memmem() is linear; std::string_view::find() is not.
bool Contains(std::string_view bytes, std::string_view text) {
  if (text.empty() || bytes.size() < text.size()) return text.empty();
  return memmem(bytes.data(), bytes.size(), text.data(), text.size()) != nullptr;
}

// Nothing: it has not the length of what it is compared with, so it is no such
// address.
std::optional<bool> MaskedEquals(std::string_view bytes, const FilterTest& test) {
  if (bytes.size() != test.mask_text.size()) return std::nullopt;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (((bytes[i] ^ test.text[i]) & test.mask_text[i]) != 0) return false;
  }
  return true;
}

std::optional<bool> CompareNumber(const FilterTest& test, std::optional<uint64_t> number) {
  if (!number) return std::nullopt;
  if (test.kind == Kind::kPresent) return true;
  const uint64_t biased = (*number & test.mask) ^ test.bias;
  return test.low <= biased && biased <= test.high;
}

std::optional<bool> CompareBytes(const FilterTest& test, std::optional<std::string_view> bytes) {
  if (!bytes) return std::nullopt;
  switch (test.kind) {
    case Kind::kPresent:
      return !bytes->empty();
    case Kind::kEquals:
      return *bytes == test.text;
    case Kind::kStartsWith:
      return bytes->starts_with(test.text);
    case Kind::kEndsWith:
      return bytes->ends_with(test.text);
    case Kind::kContains:
      return Contains(*bytes, test.text);
    case Kind::kBefore:
      return *bytes < test.text;
    case Kind::kAtMost:
      return *bytes <= test.text;
    case Kind::kBehind:
      return *bytes > test.text;
    case Kind::kAtLeast:
      return *bytes >= test.text;
    case Kind::kMasked:
      return MaskedEquals(*bytes, test);
    case Kind::kRange:
      break;
  }
  return std::nullopt;
}

// Nothing: it is not there.
std::optional<bool> Compare(const FilterTest& test, const RecordView& record, uint64_t offset) {
  switch (test.place.source) {
    case Source::kSequence:
      return CompareNumber(test, record.sequence);
    case Source::kCpu:
      return CompareNumber(test, record.cpu);
    case Source::kBoottime:
      return CompareNumber(test, record.boottime_ns);
    case Source::kInteger:
      return CompareNumber(test, IntegerAt(test.place, record.payload, offset));
    default:
      return CompareBytes(test, BytesAt(test.place, record.payload, offset));
  }
}

// Whether one element compares, from array `depth` on inwards. Nothing: none is
// there. Elements lie in order, so behind the payload's end there are no more.
std::optional<bool> CompareAny(const FilterTest& test, const RecordView& record, size_t depth,
                               uint64_t offset) {
  if (depth == test.place.arrays.size()) return Compare(test, record, offset);
  const FieldPlace::Array& array = test.place.arrays[depth];
  std::optional<bool> any;
  for (uint32_t i = 0; i < array.count && offset <= record.payload.size(); ++i) {
    const std::optional<bool> one = CompareAny(test, record, depth + 1, offset);
    if (one && *one) return one;
    if (one) any = one;
    offset += array.element_bytes;
  }
  return any;
}

bool Holds(const FilterTest& test, const RecordView& record) {
  const std::optional<bool> compares = CompareAny(test, record, 0, test.place.offset);
  if (test.kind == Kind::kPresent) return compares.value_or(false) != test.is_negated;
  return compares && *compares != test.is_negated;
}

}  // namespace

FilterProgram::Label FilterProgram::EntryOf(uint32_t type) const {
  const auto entry = std::lower_bound(
      entries_.begin(), entries_.end(), type,
      [](const std::pair<uint32_t, Label>& each, uint32_t sought) { return each.first < sought; });
  return entry != entries_.end() && entry->first == type ? entry->second : other_;
}

bool FilterProgram::Matches(const RecordView& record) const {
  Label at = EntryOf(record.type);
  while (at < tests_.size()) {
    const FilterTest& test = tests_[at];
    at = Holds(test, record) ? test.if_true : test.if_false;
  }
  return at == kAccept;
}

}  // namespace kchan::hub
