// SPDX-License-Identifier: Apache-2.0
#include "bridge/config/resolve_threads.h"

#include <algorithm>
#include <optional>
#include <string>

#include "bridge/config/field.h"

namespace kchan::config {
namespace {

// One thread writes several GB/s, and the CPUs have other things to do.
constexpr int kCpusForOneThread = 4;
constexpr int kMostByDefault = 8;

absl::Status ReadCpus(const std::string& field, const std::string& from,
                      std::optional<hub::Cpus>& to) {
  if (from.empty()) return absl::OkStatus();
  auto cpus = hub::Cpus::Parse(from);
  if (!cpus.ok()) return Bad(field, std::string(cpus.status().message()));
  to = *cpus;
  return absl::OkStatus();
}

}  // namespace

absl::Status ResolveThreads(const v1::Threads& from, Config& to) {
  absl::Status status = ReadCpus("threads.serving_cpus", from.serving_cpus(), to.server.cpus);
  status.Update(ReadCpus("threads.source_cpus", from.source_cpus(), to.source_cpus));
  const int cpus = to.server.cpus.value_or(hub::Cpus::Allowed()).count();
  to.server.serving_threads =
      static_cast<size_t>(std::clamp(cpus / kCpusForOneThread, 1, kMostByDefault));
  status.Update(Number("threads.serving", from.has_serving(), from.serving(), 1, 64,
                       to.server.serving_threads));
  return status;
}

}  // namespace kchan::config
