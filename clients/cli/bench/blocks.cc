// SPDX-License-Identifier: Apache-2.0
// A channel of blocks: extents of 64 KiB, and what the module's own write costs.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "methods.h"

namespace kchan::cli::bench {
namespace {

constexpr uint64_t kExtentBytes = 64 << 10;
constexpr int kIdleRounds = 7;
// Where the module writes sample number n: n times this, modulo the capacity.
constexpr uint64_t kPlaceBytes = 4096;

uint64_t CapacityOf(const hub::Channel& channel) {
  const auto description = channel.snapshot().description;
  return description->block ? description->block->capacity_bytes : 0;
}

absl::Status Idle(Bench& bench, const std::string& name, uint64_t places, Row& row) {
  std::vector<double> costs;
  for (int round = 0; round < kIdleRounds; ++round) {
    const auto result =
        bench.control.Execute({.channel = name, .records = places, .bytes = bench.options.bytes});
    if (!result.ok()) return result.status();
    if (result->refused != 0) {
      return absl::InternalError(absl::StrCat(result->refused, " writes of the module failed"));
    }
    costs.push_back(static_cast<double>(result->emit_ns) / static_cast<double>(result->emitted));
  }
  // What else the processor did only added.
  row.kernel_ns = *std::min_element(costs.begin(), costs.end());
  return absl::OkStatus();
}

// The samples that the module has written there.
absl::Status CheckSamples(std::span<const std::byte> extent, uint64_t offset, uint64_t places) {
  for (uint64_t at = 0; at < extent.size(); at += kPlaceBytes) {
    uint64_t count = 0;
    std::memcpy(&count, extent.data() + at, sizeof(count));
    const uint64_t place = (offset + at) / kPlaceBytes;
    if (count % places != place || count == 0) {
      return absl::DataLossError(
          absl::StrCat("block ", place, " holds what the module has not written: ", count));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Row> MeasureBlockReads(Bench& bench, const std::string& name) {
  auto channel = bench.node.Find(name);
  if (!channel.ok()) return channel.status();
  const uint64_t capacity = CapacityOf(**channel);
  const uint64_t places = capacity / kPlaceBytes;
  if (capacity < kExtentBytes) return absl::InternalError("bench.block is too small");
  Row row = Describe(**channel, "to user");
  if (absl::Status status = Idle(bench, name, places, row); !status.ok()) return status;
  std::vector<std::byte> extent(kExtentBytes);
  absl::Status status =
      TimeCalls(bench.options.seconds / 2, kExtentBytes, row, [&](uint64_t index) {
        const uint64_t offset = index * kExtentBytes % capacity;
        absl::Status read = bench.node.door().ReadBlocks(name, offset, extent);
        return read.ok() ? CheckSamples(extent, offset, places) : read;
      });
  if (!status.ok()) return status;
  return row;
}

absl::StatusOr<Row> MeasureBlockWrites(Bench& bench, const std::string& name) {
  auto channel = bench.node.Find(name);
  if (!channel.ok()) return channel.status();
  const uint64_t capacity = CapacityOf(**channel);
  if (capacity < kExtentBytes) return absl::InternalError("bench.block is too small");
  Row row = Describe(**channel, "to kernel");
  const std::vector<std::byte> extent(kExtentBytes, std::byte{1});
  absl::Status status =
      TimeCalls(bench.options.seconds / 2, kExtentBytes, row, [&](uint64_t index) {
        return bench.node.door().WriteBlocks(name, index * kExtentBytes % capacity, extent);
      });
  if (!status.ok()) return status;
  if (status = bench.node.door().FlushBlocks(name); !status.ok()) return status;
  return row;
}

}  // namespace kchan::cli::bench
