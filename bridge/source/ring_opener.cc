// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/ring_opener.h"

#include <algorithm>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/source/kernel_ring.h"
#include "bridge/source/text_scan.h"

namespace kchan::source {
namespace {

constexpr char kPossibleCpus[] = "/sys/devices/system/cpu/possible";
constexpr uint32_t kMaxCpus = 8192;  // the largest NR_CPUS of any kernel

}  // namespace

std::vector<uint32_t> ParseCpuList(std::string_view list) {
  std::vector<uint32_t> cpus;
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    std::string_view range = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));

    uint32_t first = 0;
    if (!TakeNumber(range, first)) continue;
    uint32_t last = first;
    if (!range.empty() && range[0] == '-') {
      range.remove_prefix(1);
      if (!TakeNumber(range, last)) continue;
    }
    for (uint32_t cpu = first; cpu <= std::min(last, kMaxCpus - 1); ++cpu) cpus.push_back(cpu);
  }
  return cpus;
}

std::vector<uint32_t> DeviceRings::PossibleCpus() const {
  std::string list;
  std::ifstream file(kPossibleCpus);
  std::getline(file, list);
  std::vector<uint32_t> cpus = ParseCpuList(list);
  if (cpus.empty()) cpus.push_back(0);
  return cpus;
}

absl::StatusOr<std::unique_ptr<MappedRing>> DeviceRings::Open(const std::string& channel,
                                                              uint32_t cpu) {
  if (handed_.ring != nullptr && handed_.channel == channel && handed_.cpu == cpu) {
    return std::move(handed_.ring);
  }
  return KernelRing::Open(device_path_, channel, cpu);
}

absl::StatusOr<DeviceRings::Opened> DeviceRings::OpenFirst(const std::string& channel,
                                                           bool shared) {
  const std::vector<uint32_t> cpus =
      shared ? std::vector<uint32_t>{KCHAN_CPU_SHARED} : PossibleCpus();
  for (const uint32_t cpu : cpus) {
    auto ring = KernelRing::Open(device_path_, channel, cpu);
    if (ring.ok()) return Opened{.channel = channel, .cpu = cpu, .ring = *std::move(ring)};
    if (shared || !absl::IsOutOfRange(ring.status())) return ring.status();
  }
  return absl::UnavailableError(absl::StrCat("channel ", channel, ": no CPU has a ring"));
}

}  // namespace kchan::source
