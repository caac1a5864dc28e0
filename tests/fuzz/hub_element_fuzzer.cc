// SPDX-License-Identifier: Apache-2.0
// Any bytes as stored elements: nothing is read beyond their end, and what is
// taken for an element lies within them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "bridge/hub/element.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  std::span<const std::byte> rest(reinterpret_cast<const std::byte*>(bytes), size);
  while (const auto element = kchan::hub::ParseElement(rest)) {
    if (element->bytes == 0 || element->bytes > rest.size()) std::abort();
    if (element->body.size() >= element->bytes) std::abort();
    rest = rest.subspan(element->bytes);
  }
  return 0;
}
