// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_RUNNING_CALLS_H_
#define KCHAN_BRIDGE_HUB_RUNNING_CALLS_H_

#include <list>
#include <mutex>
#include <string>
#include <vector>

namespace kchan::hub {

// The calls into the kernel that have not returned yet, for people who wonder
// why something does not end.
//
// Thread safety: any thread.
class RunningCalls {
 public:
  // One call, for as long as this lives.
  class Call {
   public:
    Call(RunningCalls& calls, std::string what);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    RunningCalls& calls_;
    std::list<std::string>::iterator place_;
  };

  // Oldest first.
  std::vector<std::string> List() const;

 private:
  mutable std::mutex mutex_;
  std::list<std::string> calls_;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_RUNNING_CALLS_H_
