// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_UNIT_CLIENT_SCHEMAS_H_
#define KCHAN_TESTS_UNIT_CLIENT_SCHEMAS_H_

#include <string>

#include "kchan/v1/schema.pb.h"

namespace kchan {

inline v1::Field* AddField(v1::RecordType* type, const std::string& name, v1::FieldKind kind,
                           uint32_t offset, uint32_t size_bytes,
                           v1::FieldDisplay display = v1::FIELD_DISPLAY_UNSPECIFIED) {
  v1::Field* field = type->add_fields();
  field->set_name(name);
  field->set_kind(kind);
  field->set_offset(offset);
  field->set_size_bytes(size_bytes);
  field->set_display(display);
  return field;
}

inline void AddName(v1::Field* field, uint64_t value, const std::string& name) {
  v1::NamedValue* named = field->add_names();
  named->set_value(value);
  named->set_name(name);
}

inline v1::Field* AddMember(v1::Field* structure, const std::string& name, v1::FieldKind kind,
                            uint32_t offset, uint32_t size_bytes,
                            v1::FieldDisplay display = v1::FIELD_DISPLAY_UNSPECIFIED) {
  v1::Field* field = structure->add_members();
  field->set_name(name);
  field->set_kind(kind);
  field->set_offset(offset);
  field->set_size_bytes(size_bytes);
  field->set_display(display);
  return field;
}

inline v1::Field* AddStruct(v1::RecordType* type, const std::string& name, uint32_t offset,
                            uint32_t size_bytes, uint32_t element_bytes) {
  v1::Field* field = AddField(type, name, v1::FIELD_KIND_STRUCT, offset, size_bytes);
  field->set_element_bytes(element_bytes);
  return field;
}

// An address of 8 bytes: ip and port.
inline void AddPeer(v1::Field* structure) {
  AddMember(structure, "ip", v1::FIELD_KIND_U32, 0, 4, v1::FIELD_DISPLAY_IPV4);
  AddMember(structure, "port", v1::FIELD_KIND_U16, 4, 2);
}

// A schema of one type that takes `size_bytes` and has no fields yet.
inline v1::Schema OneType(uint32_t size_bytes, v1::ByteOrder order = v1::BYTE_ORDER_LITTLE_ENDIAN) {
  v1::Schema schema;
  schema.set_id(42);
  schema.set_byte_order(order);
  v1::RecordType* type = schema.add_types();
  type->set_id(1);
  type->set_name("sample");
  type->set_direction(v1::DIRECTION_BOTH);
  type->set_size_bytes(size_bytes);
  return schema;
}

}  // namespace kchan

#endif  // KCHAN_TESTS_UNIT_CLIENT_SCHEMAS_H_
