// SPDX-License-Identifier: Apache-2.0
#include "bridge/metrics/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "bridge/metrics/metric_family.h"

namespace kchan::metrics {
namespace {

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
}

double ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  double pages = 0;
  double resident = 0;
  file >> pages >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double OpenFds() {
  std::error_code error;
  double count = -1;  // the one that lists them
  for (auto entry = std::filesystem::directory_iterator("/proc/self/fd", error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    ++count;
  }
  return count;
}

double MaxFds() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<double>(limit.rlim_cur);
}

// Of the program: it is loaded then.
const double start_time =
    std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();

}  // namespace

void CollectProcess(std::vector<prometheus::MetricFamily>& to) {
  AddCounter(to, "process_cpu_seconds_total", "CPU time of kchand.", CpuSeconds());
  AddGauge(to, "process_resident_memory_bytes", "Memory of kchand that is not swapped out.",
           ResidentBytes());
  AddGauge(to, "process_open_fds", "File descriptors of kchand.", OpenFds());
  AddGauge(to, "process_max_fds", "Their bound.", MaxFds());
  AddGauge(to, "process_start_time_seconds", "When kchand started, in seconds since 1970.",
           start_time);
}

}  // namespace kchan::metrics
