// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_VALUE_WORDS_H_
#define KCHAN_BRIDGE_SOURCE_VALUE_WORDS_H_

#include <linux/kchan.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "bridge/hub/schema.h"
#include "bridge/hub/value_feed.h"

namespace kchan::source {

// How the 64-bit words of a VALUE channel are called and what they hold, from
// its schema.
class ValueWords {
 public:
  struct Word {
    std::string name;
    uint32_t index = 0;  // in the kernel's words
    bool is_signed = false;
  };

  // INTERNAL if the schema is not one of words.
  static absl::StatusOr<ValueWords> Of(const hub::Schema& schema, const std::string& channel);

  // NOT_FOUND.
  absl::StatusOr<Word> Find(std::string_view name) const;

  // A word as clients see it, and back; the latter is INVALID_ARGUMENT if it
  // does not fit.
  static hub::Value FromKernel(const Word& word, uint64_t raw);
  absl::StatusOr<uint64_t> ToKernel(const Word& word, const hub::Value& value) const;

  hub::ValueSnapshot Snapshot(const kchan_value_read& read, uint64_t generation) const;

 private:
  std::string channel_;
  std::vector<Word> words_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_VALUE_WORDS_H_
