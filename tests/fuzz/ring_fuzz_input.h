// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_FUZZ_RING_FUZZ_INPUT_H_
#define KCHAN_TESTS_FUZZ_RING_FUZZ_INPUT_H_

#include <cstdint>
#include <cstring>
#include <span>

namespace kchan::testing {

// Takes numbers off the fuzzer's bytes until there are none.
class FuzzInput {
 public:
  explicit FuzzInput(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  bool empty() const { return bytes_.empty(); }
  template <typename T>
  T Take() {
    T value{};
    const size_t size = bytes_.size() < sizeof(value) ? bytes_.size() : sizeof(value);
    std::memcpy(&value, bytes_.data(), size);
    bytes_ = bytes_.subspan(size);
    return value;
  }

 private:
  std::span<const uint8_t> bytes_;
};

}  // namespace kchan::testing

#endif  // KCHAN_TESTS_FUZZ_RING_FUZZ_INPUT_H_
