// SPDX-License-Identifier: Apache-2.0
#include "bridge/spool/segment_name.h"

#include <array>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <limits>

namespace kchan::spool {
namespace {

constexpr uint64_t kAfterUnseen = 1;

// Takes a hexadecimal number and `end` behind it off the front of `text`.
bool Take(std::string_view& text, std::string_view end, uint64_t& number) {
  const char* const last = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), last, number, 16);
  if (error != std::errc()) return false;
  text = std::string_view(rest, static_cast<size_t>(last - rest));
  if (!text.starts_with(end)) return false;
  text.remove_prefix(end.size());
  return true;
}

}  // namespace

std::string ClosedName(const SegmentFacts& facts) {
  std::array<char, 160> name{};
  const int size = std::snprintf(name.data(), name.size(),
                                 "%08" PRIx32 "-%016" PRIx64 "-%016" PRIx64 "-%" PRIx64 "-%" PRIx64
                                 "-%" PRIx64 "-%x.spool",
                                 facts.index, facts.epoch, facts.schema_id, facts.first_sequence,
                                 facts.last_sequence, facts.records, facts.after_unseen ? 1U : 0U);
  return {name.data(), static_cast<size_t>(size)};
}

std::string OpenName(uint32_t index) {
  std::array<char, 32> name{};
  const int size = std::snprintf(name.data(), name.size(), "%08" PRIx32 ".open", index);
  return {name.data(), static_cast<size_t>(size)};
}

std::string SchemaName(uint64_t schema_id) {
  std::array<char, 40> name{};
  const int size = std::snprintf(name.data(), name.size(), "%016" PRIx64 ".schema", schema_id);
  return {name.data(), static_cast<size_t>(size)};
}

std::optional<SegmentFacts> ParseClosedName(std::string_view name) {
  SegmentFacts facts;
  uint64_t index = 0;
  uint64_t flags = 0;
  std::string_view rest = name;
  if (!Take(rest, "-", index) || !Take(rest, "-", facts.epoch) ||
      !Take(rest, "-", facts.schema_id) || !Take(rest, "-", facts.first_sequence) ||
      !Take(rest, "-", facts.last_sequence) || !Take(rest, "-", facts.records) ||
      !Take(rest, ".spool", flags)) {
    return std::nullopt;
  }
  facts.index = static_cast<uint32_t>(index);
  facts.after_unseen = (flags & kAfterUnseen) != 0;
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  if (facts.epoch == 0 || facts.first_sequence == 0 || facts.last_sequence == kMax ||
      facts.last_sequence < facts.first_sequence - 1 || ClosedName(facts) != name) {
    return std::nullopt;
  }
  return facts;
}

std::optional<uint32_t> ParseOpenName(std::string_view name) {
  uint64_t index = 0;
  std::string_view rest = name;
  if (!Take(rest, ".open", index) || OpenName(static_cast<uint32_t>(index)) != name) {
    return std::nullopt;
  }
  return static_cast<uint32_t>(index);
}

std::optional<uint64_t> ParseSchemaName(std::string_view name) {
  uint64_t id = 0;
  std::string_view rest = name;
  if (!Take(rest, ".schema", id) || SchemaName(id) != name) return std::nullopt;
  return id;
}

}  // namespace kchan::spool
