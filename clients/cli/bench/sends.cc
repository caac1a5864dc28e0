// SPDX-License-Identifier: Apache-2.0
// Records from user space to the kernel: each is handed over and answered.
#include <cstddef>
#include <vector>

#include "methods.h"

namespace kchan::cli::bench {
namespace {

constexpr uint32_t kSinkType = 2;

}  // namespace

absl::StatusOr<Row> MeasureSends(Bench& bench, const std::string& name) {
  auto channel = bench.node.Find(name);
  if (!channel.ok()) return channel.status();
  Row row = Describe(**channel, "to kernel");
  const std::vector<std::byte> payload(bench.options.bytes);
  absl::Status status = TimeCalls(bench.options.seconds / 2, payload.size(), row, [&](uint64_t) {
    return bench.node.door().Publish(name, kSinkType, payload).status;
  });
  if (!status.ok()) return status;
  return row;
}

}  // namespace kchan::cli::bench
