// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/throughput/sender_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace kchan::bench {
namespace {

[[noreturn]] void RunSender(const char* method, uint16_t port, size_t record_bytes, int output) {
  const std::string port_text = std::to_string(port);
  const std::string size_text = std::to_string(record_bytes);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(output, STDOUT_FILENO);
  execl("/proc/self/exe", "throughput_bench", "--send", method, "--port", port_text.c_str(),
        "--size", size_text.c_str(), nullptr);
  _exit(127);
}

}  // namespace

double OwnCpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

SenderProcess::SenderProcess(const char* method, uint16_t port, size_t record_bytes) {
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) std::abort();
  pid_ = fork();
  if (pid_ == 0) RunSender(method, port, record_bytes, pipe_ends[1]);
  close(pipe_ends[1]);
  char line[8];
  if (read(pipe_ends[0], line, sizeof(line)) <= 0) {
    std::fprintf(stderr, "%s: the sender did not start\n", method);
    std::exit(1);
  }
  close(pipe_ends[0]);
}

SenderProcess::~SenderProcess() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

double SenderProcess::cpu_seconds() const {
  std::FILE* file = std::fopen(("/proc/" + std::to_string(pid_) + "/stat").c_str(), "r");
  if (file == nullptr) return 0;
  unsigned long user = 0;
  unsigned long system = 0;
  const int got = std::fscanf(
      file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
  std::fclose(file);
  if (got != 2) return 0;
  return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace kchan::bench
