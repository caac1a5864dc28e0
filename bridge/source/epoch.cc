// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/epoch.h"

#include <random>

namespace kchan::source {
namespace {

// FNV-1a, with each part's end marked, so that no two lists of parts read the
// same.
class Hash {
 public:
  void Add(std::string_view part) {
    for (const char c : part) AddByte(static_cast<unsigned char>(c));
    AddByte(0xff);  // in no UTF-8
  }
  void Add(uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8)
      AddByte(static_cast<unsigned char>(number >> shift));
  }
  uint64_t value() const { return value_; }

 private:
  void AddByte(unsigned char byte) { value_ = (value_ ^ byte) * 0x100000001b3; }

  uint64_t value_ = 0xcbf29ce484222325;
};

}  // namespace

uint64_t EpochOf(std::string_view boot_id, std::string_view channel, uint64_t generation) {
  Hash hash;
  hash.Add(boot_id);
  hash.Add(channel);
  hash.Add(generation);
  return hash.value() == 0 ? 1 : hash.value();
}

uint64_t RandomGeneration() {
  std::random_device random;
  return (uint64_t{random()} << 32 | random()) | 1;
}

}  // namespace kchan::source
