// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CPP_SRC_FIELD_KIND_H_
#define KCHAN_CLIENTS_CPP_SRC_FIELD_KIND_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kchan/v1/schema.pb.h"

namespace kchan {

// Bytes of one element of an integer kind or a bool; 0 for the others.
constexpr uint32_t IntegerBytes(v1::FieldKind kind) {
  switch (kind) {
    case v1::FIELD_KIND_U8:
    case v1::FIELD_KIND_S8:
    case v1::FIELD_KIND_BOOL:
      return 1;
    case v1::FIELD_KIND_U16:
    case v1::FIELD_KIND_S16:
      return 2;
    case v1::FIELD_KIND_U32:
    case v1::FIELD_KIND_S32:
      return 4;
    case v1::FIELD_KIND_U64:
    case v1::FIELD_KIND_S64:
      return 8;
    default:
      return 0;
  }
}

constexpr bool IsSigned(v1::FieldKind kind) {
  return kind >= v1::FIELD_KIND_S8 && kind <= v1::FIELD_KIND_S64;
}

constexpr bool IsLoc(v1::FieldKind kind) {
  return kind == v1::FIELD_KIND_STRING_LOC || kind == v1::FIELD_KIND_BYTES_LOC;
}

constexpr uint32_t kLocBytes = 4;

constexpr bool IsRest(v1::FieldKind kind) {
  return kind == v1::FIELD_KIND_STRING_REST || kind == v1::FIELD_KIND_BYTES_REST;
}

// Bytes of one element of an integer or a structure; 0 for the others.
inline uint32_t ElementBytes(const v1::Field& field) {
  return field.kind() == v1::FIELD_KIND_STRUCT ? field.element_bytes() : IntegerBytes(field.kind());
}

// At most 8 bytes.
inline uint64_t LoadInteger(std::string_view bytes, bool big_endian) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const size_t shift = 8 * (big_endian ? bytes.size() - 1 - i : i);
    value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])) << shift;
  }
  return value;
}

// Bytes that an address display needs; 0 for displays that are no addresses.
constexpr uint32_t AddressBytes(v1::FieldDisplay display) {
  switch (display) {
    case v1::FIELD_DISPLAY_IPV4:
      return 4;
    case v1::FIELD_DISPLAY_MAC:
      return 6;
    case v1::FIELD_DISPLAY_IPV6:
    case v1::FIELD_DISPLAY_IP:
      return 16;
    default:
      return 0;
  }
}

}  // namespace kchan

#endif  // KCHAN_CLIENTS_CPP_SRC_FIELD_KIND_H_
