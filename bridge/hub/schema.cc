// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/schema.h"

#include <string_view>

namespace kchan::hub {
namespace {

// FNV-1a, with a final mix. Each number goes in as eight bytes and each string
// behind its length, so that different schemas never give the same input.
class Hash {
 public:
  void Add(uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) AddByte(static_cast<uint8_t>(value >> shift));
  }
  void Add(std::string_view text) {
    Add(text.size());
    for (char c : text) AddByte(static_cast<uint8_t>(c));
  }
  uint64_t Result() const {
    uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 33)) * 0xff51afd7ed558ccd;
    mixed = (mixed ^ (mixed >> 33)) * 0xc4ceb9fe1a85ec53;
    mixed ^= mixed >> 33;
    return mixed == 0 ? 1 : mixed;
  }

 private:
  void AddByte(uint8_t byte) { state_ = (state_ ^ byte) * 0x100000001b3; }

  uint64_t state_ = 0xcbf29ce484222325;
};

void AddField(Hash& hash, const Field& field) {
  hash.Add(field.name);
  hash.Add(field.kind);
  hash.Add(field.display);
  hash.Add(field.offset);
  hash.Add(field.size_bytes);
  hash.Add(field.unit);
  hash.Add(field.documentation);
  hash.Add(field.names.size());
  for (const NamedValue& named : field.names) {
    hash.Add(named.value);
    hash.Add(named.name);
  }
  hash.Add(field.writable);
  hash.Add(field.element_bytes);
  hash.Add(field.members.size());
  for (const Field& member : field.members) AddField(hash, member);
}

void AddType(Hash& hash, const RecordType& type) {
  hash.Add(type.id);
  hash.Add(type.name);
  hash.Add(type.documentation);
  hash.Add(static_cast<uint64_t>(type.direction));
  hash.Add(type.size_bytes);
  hash.Add(type.fields.size());
  for (const Field& field : type.fields) AddField(hash, field);
}

}  // namespace

const RecordType* Schema::FindType(uint32_t type_id) const {
  for (const RecordType& type : types) {
    if (type.id == type_id) return &type;
  }
  return nullptr;
}

uint64_t SchemaId(const Schema& schema) {
  Hash hash;
  hash.Add(static_cast<uint64_t>(schema.byte_order));
  hash.Add(schema.types.size());
  for (const RecordType& type : schema.types) AddType(hash, type);
  return hash.Result();
}

}  // namespace kchan::hub
