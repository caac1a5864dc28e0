// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_FIELD_KIND_H_
#define KCHAN_BRIDGE_HUB_FIELD_KIND_H_

#include <cstdint>

namespace kchan::hub {

// What Field.kind and Field.display hold; same numbers as kchan.v1.FieldKind
// and FieldDisplay.
enum class FieldKind : uint32_t {
  kUnspecified = 0,
  kU8 = 1,
  kU16 = 2,
  kU32 = 3,
  kU64 = 4,
  kS8 = 5,
  kS16 = 6,
  kS32 = 7,
  kS64 = 8,
  kBool = 9,
  kString = 10,
  kBytes = 11,
  kStringLoc = 12,
  kBytesLoc = 13,
  kStruct = 14,
  kStringRest = 15,
  kBytesRest = 16,
};

enum class FieldDisplay : uint32_t {
  kUnspecified = 0,
  kHex = 1,
  kEnum = 2,
  kFlags = 3,
  kIpv4 = 4,
  kIpv6 = 5,
  kMac = 6,
  kPort = 7,
  kIp = 8,
};

// Bytes of one element of an integer kind or a bool; 0 for the others.
constexpr uint32_t IntegerBytes(FieldKind kind) {
  switch (kind) {
    case FieldKind::kU8:
    case FieldKind::kS8:
    case FieldKind::kBool:
      return 1;
    case FieldKind::kU16:
    case FieldKind::kS16:
      return 2;
    case FieldKind::kU32:
    case FieldKind::kS32:
      return 4;
    case FieldKind::kU64:
    case FieldKind::kS64:
      return 8;
    default:
      return 0;
  }
}

constexpr bool IsSigned(FieldKind kind) {
  return kind >= FieldKind::kS8 && kind <= FieldKind::kS64;
}

// Characters: fixed, LOC or REST.
constexpr bool IsString(FieldKind kind) {
  return kind == FieldKind::kString || kind == FieldKind::kStringLoc ||
         kind == FieldKind::kStringRest;
}

constexpr bool IsLoc(FieldKind kind) {
  return kind == FieldKind::kStringLoc || kind == FieldKind::kBytesLoc;
}

constexpr bool IsRest(FieldKind kind) {
  return kind == FieldKind::kStringRest || kind == FieldKind::kBytesRest;
}

// Bytes of an address; 0 for displays that are none.
constexpr uint32_t AddressBytes(FieldDisplay display) {
  switch (display) {
    case FieldDisplay::kIpv4:
      return 4;
    case FieldDisplay::kMac:
      return 6;
    case FieldDisplay::kIpv6:
    case FieldDisplay::kIp:
      return 16;
    default:
      return 0;
  }
}

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_FIELD_KIND_H_
