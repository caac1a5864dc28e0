// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SPOOL_SEGMENT_NAME_H_
#define KCHAN_BRIDGE_SPOOL_SEGMENT_NAME_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// A file that is written to is "<index>.open". When it is full its name becomes
// all that has to be known of it, so that a start opens none but the last:
//
//   <index>-<epoch>-<schema>-<first>-<last>-<records>-<flags>.spool
//
// in hexadecimal. What cannot be read at all is set aside: "<name>.damaged".
namespace kchan::spool {

struct SegmentFacts {
  uint32_t index = 0;  // files of one channel, in their order
  uint64_t epoch = 0;
  uint64_t schema_id = 0;
  uint64_t first_sequence = 0;
  uint64_t last_sequence = 0;
  uint64_t records = 0;
  bool after_unseen = false;  // see SegmentHeader

  friend bool operator==(const SegmentFacts&, const SegmentFacts&) = default;
};

inline constexpr std::string_view kDamagedSuffix = ".damaged";

std::string ClosedName(const SegmentFacts& facts);
std::string OpenName(uint32_t index);
std::string SchemaName(uint64_t schema_id);

// Nothing if it is no such name; what is parsed gives exactly this name again.
std::optional<SegmentFacts> ParseClosedName(std::string_view name);
std::optional<uint32_t> ParseOpenName(std::string_view name);
std::optional<uint64_t> ParseSchemaName(std::string_view name);

}  // namespace kchan::spool

#endif  // KCHAN_BRIDGE_SPOOL_SEGMENT_NAME_H_
