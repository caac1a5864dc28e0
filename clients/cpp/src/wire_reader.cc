// SPDX-License-Identifier: Apache-2.0
#include "wire_reader.h"

namespace kchan {

bool WireReader::ReadLongVarint(uint64_t* value) {
  uint64_t result = 0;
  const char* at = at_;
  for (int shift = 0; shift < 64; shift += 7) {
    if (at == end_) return false;
    const auto byte = static_cast<uint8_t>(*at++);
    result |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      *value = result;
      at_ = at;
      return true;
    }
  }
  return false;
}

bool WireReader::Advance(ptrdiff_t size) {
  if (end_ - at_ < size) return false;
  at_ += size;
  return true;
}

bool WireReader::Skip(WireType type) {
  uint64_t number;
  std::string_view bytes;
  switch (type) {
    case WireType::kVarint:
      return ReadVarint(&number);
    case WireType::kFixed64:
      return Advance(8);
    case WireType::kLengthDelimited:
      return ReadBytes(&bytes);
    case WireType::kFixed32:
      return Advance(4);
  }
  return false;  // Groups and wire types that do not exist.
}

}  // namespace kchan
