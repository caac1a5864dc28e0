// SPDX-License-Identifier: Apache-2.0
#include "control.h"

#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include "absl/strings/str_cat.h"

namespace kchan::cli::bench {
namespace {

constexpr char kControl[] = "bench.control";
constexpr uint32_t kRunType = 1;
constexpr uint32_t kResultType = 2;

static_assert(sizeof(BenchSample) == 16);
static_assert(sizeof(BenchRun) == 104);
static_assert(sizeof(BenchResult) == 64);

absl::Status CheckLayout(const hub::Channel& channel) {
  const std::shared_ptr<const hub::Schema> schema = channel.snapshot().schema;
  const auto size_of = [&schema](uint32_t type) -> uint32_t {
    const hub::RecordType* found = schema == nullptr ? nullptr : schema->FindType(type);
    return found == nullptr ? 0 : found->size_bytes;
  };
  if (size_of(kRunType) == sizeof(BenchRun) && size_of(kResultType) == sizeof(BenchResult)) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      "kchan_bench.ko is not of this kchan's version: build and load the one that is");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Control>> Control::Open(Node& node, uint32_t cpu) {
  auto channel = node.Find(kControl);
  if (!channel.ok()) return channel.status();
  auto results = Reader::Open(node, *channel);
  if (!results.ok()) return results.status();
  if (absl::Status status = CheckLayout(**channel); !status.ok()) return status;
  return std::unique_ptr<Control>(new Control(node, cpu, *std::move(results)));
}

absl::Status Control::Start(const Run& run) {
  BenchRun command{.id = ++last_id_,
                   .records = run.records,
                   .pace_ns = run.pace_ns,
                   .bytes = run.bytes,
                   .batch = run.batch,
                   .cpu = cpu_,
                   .cpus = 1,
                   .channel = {}};
  if (run.channel.size() >= sizeof(command.channel)) {
    return absl::InvalidArgumentError(absl::StrCat(run.channel, ": too long a name"));
  }
  std::memcpy(command.channel, run.channel.data(), run.channel.size());
  return node_.door()
      .Publish(kControl, kRunType, std::as_bytes(std::span<const BenchRun>(&command, 1)))
      .status;
}

absl::StatusOr<BenchResult> Control::Wait() {
  const auto payload = results_->ReadOne();
  if (!payload.ok()) return payload.status();
  BenchResult result{};
  if (payload->size() != sizeof(result)) return absl::InternalError("a result of another size");
  std::memcpy(&result, payload->data(), sizeof(result));
  if (result.id != last_id_) return absl::InternalError("the result of another run");
  if (result.stopped != 0) return absl::UnavailableError("kchan_bench.ko is being unloaded");
  if (result.absent != 0) {
    return absl::InternalError(
        absl::StrCat(result.absent, " records were written while the channel was not live"));
  }
  return result;
}

absl::StatusOr<BenchResult> Control::Execute(const Run& run) {
  if (absl::Status status = Start(run); !status.ok()) return status;
  return Wait();
}

}  // namespace kchan::cli::bench
