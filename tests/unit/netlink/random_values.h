// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_UNIT_NETLINK_RANDOM_VALUES_H_
#define KCHAN_TESTS_UNIT_NETLINK_RANDOM_VALUES_H_

#include <cstdint>
#include <map>
#include <random>
#include <string>

#include "bridge/netlink/spec/spec_types.h"
#include "google/protobuf/struct.pb.h"

namespace kchan::netlink {

// Values as Decode() would give them, random but for the seed.
class RandomValues {
 public:
  explicit RandomValues(uint64_t seed) : random_(seed) {}

  // `values` get this attribute and, of a sub-message whose selector is in `set`,
  // its selector.
  void Add(const AttributeSet& set, const Attribute& attribute, int depth,
           google::protobuf::Struct* values);

  uint64_t Below(uint64_t limit) { return random_() % limit; }

 private:
  using Value = google::protobuf::Value;

  Value One(const AttributeSet& set, const Attribute& attribute, int depth,
            google::protobuf::Struct* values);
  Value Integer(const ValueFormat& format, size_t bytes, const ValueChecks& checks);
  Value Nest(const AttributeSet& set, int depth);
  Value IndexedArray(const AttributeSet& set, const Attribute& attribute, int depth);
  Value Element(const Attribute& attribute, int depth);
  Value Bytes(const Attribute& attribute);
  Value CArray(const Attribute& attribute);
  Value String(const ValueChecks& checks);
  Value StructOf(const Struct& structure);
  Value SubMessage(const AttributeSet& set, const Attribute& attribute, int depth,
                   google::protobuf::Struct* values);
  void AddMembers(const Struct& structure, const AttributeSet* taken,
                  google::protobuf::Struct* values);
  std::string RandomBytes(size_t bytes);
  size_t Length(const ValueChecks& checks);

  std::mt19937_64 random_;
  std::map<std::string, std::string> selected_;  // selectors of what is around
};

}  // namespace kchan::netlink

#endif  // KCHAN_TESTS_UNIT_NETLINK_RANDOM_VALUES_H_
