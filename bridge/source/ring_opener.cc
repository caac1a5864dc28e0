// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/ring_opener.h"

#include <algorithm>
#include <fstream>

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
  return KernelRing::Open(device_path_, channel, cpu);
}

}  // namespace kchan::source
