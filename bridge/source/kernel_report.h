// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_KERNEL_REPORT_H_
#define KCHAN_BRIDGE_SOURCE_KERNEL_REPORT_H_

#include <utility>
#include <vector>

#include "bridge/hub/hub.h"

namespace kchan::source {

// What the hub is told of the kernel side: the module's state, and the problems
// of everybody who has some.
//
// Thread safety: the source thread only (or before it runs).
class KernelReport {
 public:
  explicit KernelReport(hub::Hub& hub) : hub_(hub) {}

  void SetModule(hub::KernelSideStatus module) {
    module_ = std::move(module);
    Tell();
  }
  // Of channels that need no module.
  void SetHostProblems(std::vector<hub::Problem> problems) {
    host_problems_ = std::move(problems);
    Tell();
  }
  // Of netlink families' groups.
  void SetNetlinkProblems(std::vector<hub::Problem> problems) {
    netlink_problems_ = std::move(problems);
    Tell();
  }

 private:
  void Tell() {
    hub::KernelSideStatus status = module_;
    for (const auto* problems : {&host_problems_, &netlink_problems_}) {
      status.problems.insert(status.problems.end(), problems->begin(), problems->end());
    }
    hub_.SetKernelSide(std::move(status));
  }

  hub::Hub& hub_;
  hub::KernelSideStatus module_;
  std::vector<hub::Problem> host_problems_;
  std::vector<hub::Problem> netlink_problems_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_KERNEL_REPORT_H_
