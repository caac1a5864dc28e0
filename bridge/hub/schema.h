// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_SCHEMA_H_
#define KCHAN_BRIDGE_HUB_SCHEMA_H_

#include <cstdint>
#include <string>
#include <vector>

namespace kchan::hub {

// The numbers of all enumerations here are those of kchan.v1 and of the UAPI
// header, which agree; a value this daemon does not know is kept and passed on.

enum class ByteOrder : uint8_t { kUnspecified = 0, kLittle = 1, kBig = 2 };

enum class Direction : uint8_t {
  kUnspecified = 0,
  kToUser = 1,
  kToKernel = 2,
  kBoth = 3,
};

struct NamedValue {
  uint64_t value = 0;
  std::string name;
};

// One member of a record; kchan.v1.Field documents each part.
struct Field {
  std::string name;
  uint32_t kind = 0;     // kchan.v1.FieldKind
  uint32_t display = 0;  // kchan.v1.FieldDisplay
  uint32_t offset = 0;
  uint32_t size_bytes = 0;
  std::string unit;
  std::string documentation;
  std::vector<NamedValue> names;
  std::vector<Field> members;  // of a STRUCT
  uint32_t element_bytes = 0;  // of a STRUCT
  bool writable = false;       // a word that clients may change
};

struct RecordType {
  uint32_t id = 0;
  std::string name;
  std::string documentation;
  Direction direction = Direction::kUnspecified;
  uint32_t size_bytes = 0;
  std::vector<Field> fields;
};

// How to decode a channel's records. Immutable once it has an id.
struct Schema {
  uint64_t id = 0;  // SchemaId() of the rest
  ByteOrder byte_order = ByteOrder::kUnspecified;
  std::vector<RecordType> types = {};

  const RecordType* FindType(uint32_t type_id) const;
};

// A hash of everything but the id, stable across daemons and never 0: equal
// ids mean equal schemas.
uint64_t SchemaId(const Schema& schema);

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_SCHEMA_H_
