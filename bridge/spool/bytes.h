// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SPOOL_BYTES_H_
#define KCHAN_BRIDGE_SPOOL_BYTES_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Numbers and texts in bytes that are written to, or come from, a file.
namespace kchan::spool {

static_assert(std::endian::native == std::endian::little);

template <typename T>
void Store(std::byte* to, T value) {
  std::memcpy(to, &value, sizeof(value));
}

template <typename T>
T Fetch(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

// Appends.
class ByteWriter {
 public:
  template <typename T>
  void Number(T value) {
    const size_t at = bytes_.size();
    bytes_.resize(at + sizeof(value));
    Store(bytes_.data() + at, value);
  }
  // At most 64 KiB of it.
  void Text(std::string_view text) {
    text = text.substr(0, UINT16_MAX);
    Number(static_cast<uint16_t>(text.size()));
    const auto raw = std::as_bytes(std::span(text));
    bytes_.insert(bytes_.end(), raw.begin(), raw.end());
  }
  void FillTo(size_t multiple) {
    bytes_.resize((bytes_.size() + multiple - 1) / multiple * multiple);
  }
  std::vector<std::byte>& bytes() { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

// Takes from the front. After the first thing that is not there, nothing is:
// ok() tells in the end.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : rest_(bytes) {}

  template <typename T>
  T Number() {
    if (!Has(sizeof(T))) return T{};
    const T value = Fetch<T>(rest_.data());
    rest_ = rest_.subspan(sizeof(T));
    return value;
  }
  std::string Text() {
    const size_t size = Number<uint16_t>();
    if (!Has(size)) return {};
    std::string text(reinterpret_cast<const char*>(rest_.data()), size);
    rest_ = rest_.subspan(size);
    return text;
  }
  size_t left() const { return rest_.size(); }
  bool ok() const { return ok_; }

 private:
  bool Has(size_t size) {
    ok_ = ok_ && rest_.size() >= size;
    return ok_;
  }

  std::span<const std::byte> rest_;
  bool ok_ = true;
};

}  // namespace kchan::spool

#endif  // KCHAN_BRIDGE_SPOOL_BYTES_H_
