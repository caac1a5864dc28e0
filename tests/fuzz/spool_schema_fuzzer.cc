// SPDX-License-Identifier: Apache-2.0
// Any bytes as a schema's file; also with the checksum made right, or the
// mutations would never get past it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "bridge/spool/format.h"
#include "bridge/spool/schema_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
  using namespace kchan;
  const auto raw = std::as_bytes(std::span(input, size));
  (void)spool::DecodeSchema(raw);
  std::vector<std::byte> bytes(raw.begin(), raw.end());
  const uint32_t crc = spool::Crc32(bytes);
  const auto tail = std::as_bytes(std::span(&crc, 1));
  bytes.insert(bytes.end(), tail.begin(), tail.end());
  if (const auto schema = spool::DecodeSchema(bytes)) {
    // What was accepted is written as it was read, up to what means nothing.
    if (!spool::DecodeSchema(spool::EncodeSchema(*schema))) std::abort();
  }
  return 0;
}
