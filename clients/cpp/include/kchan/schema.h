// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_SCHEMA_H_
#define KCHAN_SCHEMA_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "kchan/v1/schema.pb.h"

namespace kchan {

// Field reads one member of a payload, whatever the payload's length: what the
// payload does not hold is absent, never read.
//
// A structure's members are fields too. Where its element starts in the payload
// is the `base` that they are read with:
//
//   const Field& peers = *type->FindField("peers");
//   const Field& port = *peers.FindMember("port");
//   for (size_t i = 0; i < peers.element_count(); ++i) {
//     auto number = port.Unsigned(payload, 0, peers.ElementBase(i));
//   }
//
// Thread safety: immutable. Lifetime: dies with its Schema.
class Field {
 public:
  const std::string& name() const { return proto_->name(); }
  v1::FieldKind kind() const { return proto_->kind(); }
  v1::FieldDisplay display() const { return proto_->display(); }
  const v1::Field& proto() const { return *proto_; }

  bool is_integer() const { return integer_bytes_ != 0; }
  bool is_signed() const { return signed_; }
  // Characters: fixed, LOC or REST.
  bool is_string() const;
  bool is_struct() const { return kind() == v1::FIELD_KIND_STRUCT; }
  // Integers and structures: how many; otherwise 1.
  size_t element_count() const { return element_count_; }

  // An integer or a bool. Unsigned() of a signed field is its bit pattern,
  // extended to 64 bits. Absent for other kinds, for an index out of range and
  // for a payload that is too short.
  std::optional<uint64_t> Unsigned(std::string_view payload, size_t index = 0,
                                   size_t base = 0) const;
  std::optional<int64_t> Signed(std::string_view payload, size_t index = 0, size_t base = 0) const;

  // The field's bytes: of a string its characters without the NUL, of a LOC
  // field what it points to, of a REST field everything to the end. The view
  // points into the payload.
  std::optional<std::string_view> Bytes(std::string_view payload, size_t base = 0) const;

  // The name of a value, empty if it has none. For DISPLAY_ENUM.
  std::string_view NameOf(uint64_t value) const;

  // Of a structure, in order; empty otherwise.
  std::span<const Field> members() const { return members_; }
  // Null if it has no such member.
  const Field* FindMember(std::string_view name) const;
  // Where element `index` of a structure starts, which no payload need hold.
  size_t ElementBase(size_t index = 0, size_t base = 0) const {
    return base + proto_->offset() + index * proto_->element_bytes();
  }

 private:
  friend class Schema;
  friend class SchemaBuilder;
  std::optional<std::string_view> LocBytes(std::string_view payload, size_t offset) const;

  const v1::Field* proto_ = nullptr;
  bool big_endian_ = false;
  bool signed_ = false;
  uint32_t integer_bytes_ = 0;  // 0: not an integer
  size_t element_count_ = 1;
  std::vector<Field> members_;
};

// One kind of record. Thread safety: immutable. Lifetime: dies with its Schema.
class RecordType {
 public:
  uint32_t id() const { return proto_->id(); }
  const std::string& name() const { return proto_->name(); }
  const v1::RecordType& proto() const { return *proto_; }
  std::span<const Field> fields() const { return fields_; }
  // Null if it has no such field.
  const Field* FindField(std::string_view name) const;

 private:
  friend class Schema;
  friend class SchemaBuilder;
  const v1::RecordType* proto_ = nullptr;
  std::vector<Field> fields_;
};

// Schema says how to read a channel's payloads; made once for each schema id,
// then used for every record:
//
//   const RecordType* type = schema->FindType(record.type);
//   auto pid = type->FindField("pid")->Unsigned(record.payload);
//
// Look fields up once, not for each record.
//
// Thread safety: immutable.
class Schema {
 public:
  // INVALID_ARGUMENT: it contradicts itself, as a field that leaves its type, or
  // is beyond every bound of the kernel's; the message names the field.
  static absl::StatusOr<std::shared_ptr<const Schema>> Make(v1::Schema proto);

  uint64_t id() const { return proto_.id(); }
  bool big_endian() const { return proto_.byte_order() == v1::BYTE_ORDER_BIG_ENDIAN; }
  const v1::Schema& proto() const { return proto_; }
  std::span<const RecordType> types() const { return types_; }
  // Null if it has no such type.
  const RecordType* FindType(uint32_t id) const;
  const RecordType* FindType(std::string_view name) const;

 private:
  explicit Schema(v1::Schema proto) : proto_(std::move(proto)) {}

  const v1::Schema proto_;
  std::vector<RecordType> types_;
};

}  // namespace kchan

#endif  // KCHAN_SCHEMA_H_
