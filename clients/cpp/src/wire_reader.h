// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CPP_SRC_WIRE_READER_H_
#define KCHAN_CLIENTS_CPP_SRC_WIRE_READER_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace kchan {

// A field's wire type, in the low three bits of its tag.
enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };

// WireReader walks bytes in protobuf's wire format without trusting them: every
// read returns false, and moves nowhere, where the bytes end too early or make
// no sense. Views that it gives out point into the bytes it was made with.
//
// Thread safety: none needed; it is a cursor on somebody else's bytes.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}

  bool done() const { return at_ == end_; }

  bool ReadTag(uint32_t* field, WireType* type) {
    uint64_t tag;
    const char* start = at_;
    if (!ReadVarint(&tag)) return false;
    *field = static_cast<uint32_t>(tag >> 3);
    *type = static_cast<WireType>(tag & 7);
    // Field 0 does not exist; the largest is 2^29 - 1.
    if (tag >> 32 == 0 && *field != 0) return true;
    at_ = start;
    return false;
  }

  bool ReadVarint(uint64_t* value) {
    // Nearly all varints here are lengths, CPUs and types: one byte or two.
    if (at_ != end_ && static_cast<uint8_t>(*at_) < 0x80) {
      *value = static_cast<uint8_t>(*at_++);
      return true;
    }
    if (end_ - at_ >= 2 && static_cast<uint8_t>(at_[1]) < 0x80) {
      *value = (static_cast<uint8_t>(at_[0]) & 0x7f) | static_cast<uint64_t>(at_[1]) << 7;
      at_ += 2;
      return true;
    }
    return ReadLongVarint(value);
  }

  bool ReadFixed64(uint64_t* value) {
    static_assert(std::endian::native == std::endian::little, "kchan runs on little-endian CPUs");
    if (end_ - at_ < 8) return false;
    std::memcpy(value, at_, 8);
    at_ += 8;
    return true;
  }

  bool ReadBytes(std::string_view* bytes) {
    const char* start = at_;
    uint64_t size;
    if (!ReadVarint(&size)) return false;
    if (size > static_cast<uint64_t>(end_ - at_)) {
      at_ = start;
      return false;
    }
    *bytes = std::string_view(at_, size);
    at_ += size;
    return true;
  }

  // Skips the value of a field that the reader does not know.
  bool Skip(WireType type);

 private:
  bool ReadLongVarint(uint64_t* value);
  bool Advance(ptrdiff_t size);

  const char* at_;
  const char* end_;
};

}  // namespace kchan

#endif  // KCHAN_CLIENTS_CPP_SRC_WIRE_READER_H_
