// SPDX-License-Identifier: Apache-2.0
#include <sys/utsname.h>

#include <fstream>
#include <string>
#include <thread>

#include "report.h"

#ifdef __x86_64__
#include <cpuid.h>

#include <cstring>
#endif

namespace kchan::cli::bench {
namespace {

std::string FirstLine(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string ProcessorModel() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    const size_t colon = line.find(": ");
    return colon == std::string::npos ? "" : line.substr(colon + 2);
  }
  return "";
}

// Whether QEMU interprets this machine's instructions.
bool IsEmulated() {
#ifdef __x86_64__
  unsigned eax = 0, words[3] = {};
  __cpuid(1, eax, words[0], words[1], words[2]);
  if ((words[1] & (1u << 31)) == 0) return false;  // ecx: no hypervisor
  __cpuid(0x40000000, eax, words[0], words[1], words[2]);
  return std::memcmp(words, "TCGTCGTCGTCG", sizeof(words)) == 0;
#else
  return false;
#endif
}

}  // namespace

Machine ThisMachine() {
  utsname name{};
  uname(&name);
  return {
      .kernel = name.release,
      .processor = ProcessorModel(),
      .processors = std::thread::hardware_concurrency(),
      .clock_source = FirstLine("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
      .bpf_jit = FirstLine("/proc/sys/net/core/bpf_jit_enable"),
      .emulated = IsEmulated()};
}

}  // namespace kchan::cli::bench
