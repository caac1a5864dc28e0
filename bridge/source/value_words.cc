// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/value_words.h"

#include <cstdint>
#include <limits>
#include <variant>

#include "absl/strings/str_cat.h"
#include "bridge/text/concat.h"

namespace kchan::source {
namespace {

bool IsWord(const hub::Field& field) {
  return (field.kind == KCHAN_FIELD_U64 || field.kind == KCHAN_FIELD_S64) &&
         field.size_bytes == sizeof(uint64_t) && field.offset % sizeof(uint64_t) == 0 &&
         field.offset / sizeof(uint64_t) < KCHAN_MAX_WORDS;
}

}  // namespace

absl::StatusOr<ValueWords> ValueWords::Of(const hub::Schema& schema, const std::string& channel) {
  ValueWords words;
  words.channel_ = channel;
  if (schema.types.size() != 1) {
    return absl::InternalError(
        absl::StrCat("channel ", channel, ": its schema is not one of values"));
  }
  for (const hub::Field& field : schema.types.front().fields) {
    if (!IsWord(field)) {
      return absl::InternalError(
          absl::StrCat("channel ", channel, ": ", field.name, " is not a word of 64 bits"));
    }
    words.words_.push_back({.name = field.name,
                            .index = static_cast<uint32_t>(field.offset / sizeof(uint64_t)),
                            .is_signed = field.kind == KCHAN_FIELD_S64});
  }
  return words;
}

absl::StatusOr<ValueWords::Word> ValueWords::Find(std::string_view name) const {
  for (const Word& word : words_) {
    if (word.name == name) return word;
  }
  return absl::NotFoundError(text::Concat("channel ", channel_, " has no word '", name, "'"));
}

hub::Value ValueWords::FromKernel(const Word& word, uint64_t raw) {
  if (word.is_signed) return static_cast<int64_t>(raw);
  return raw;
}

absl::StatusOr<uint64_t> ValueWords::ToKernel(const Word& word, const hub::Value& value) const {
  if (const auto* number = std::get_if<uint64_t>(&value)) {
    if (!word.is_signed || *number <= uint64_t{std::numeric_limits<int64_t>::max()}) {
      return *number;
    }
    return absl::InvalidArgumentError(absl::StrCat("channel ", channel_, ": ", *number,
                                                   " does not fit the signed word ", word.name));
  }
  if (const auto* number = std::get_if<int64_t>(&value)) {
    if (word.is_signed || *number >= 0) return static_cast<uint64_t>(*number);
    return absl::InvalidArgumentError(absl::StrCat("channel ", channel_, ": ", *number,
                                                   " does not fit the unsigned word ", word.name));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("channel ", channel_, ": the word ", word.name, " holds a number, not a text"));
}

hub::ValueSnapshot ValueWords::Snapshot(const kchan_value_read& read, uint64_t generation) const {
  // The kernel's version grows by two with each change.
  hub::ValueSnapshot snapshot{.version = read.version / 2, .boottime_ns = read.boottime_ns};
  snapshot.generation = generation;
  for (const Word& word : words_) {
    snapshot.words.push_back(
        {.name = word.name, .value = FromKernel(word, read.words[word.index])});
  }
  return snapshot;
}

}  // namespace kchan::source
