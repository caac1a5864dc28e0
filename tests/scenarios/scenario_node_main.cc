// SPDX-License-Identifier: Apache-2.0
// kchan_scenario_node DIRECTORY: serves until SIGTERM or until its parent is
// gone; SIGHUP cuts all streams. Prints "ready" when it can be reached.
#include <sys/prctl.h>

#include <csignal>
#include <cstdio>

#include "tests/scenarios/scenario_node.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: kchan_scenario_node DIRECTORY\n");
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGHUP);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  auto node = kchan::testing::ScenarioNode::Start(argv[1]);
  absl::Status status = node.status();
  if (status.ok()) {
    std::puts("ready");
    std::fflush(stdout);
  }
  int signal = 0;
  while (status.ok() && sigwait(&signals, &signal) == 0 && signal == SIGHUP) {
    status = (*node)->Restart();
  }
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
