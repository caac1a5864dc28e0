// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_CPUS_H_
#define KCHAN_BRIDGE_HUB_CPUS_H_

#include <sched.h>

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace kchan::hub {

// Processors that threads may run on.
//
// Thread safety: const methods from any thread.
class Cpus {
 public:
  // Those that the calling thread may run on.
  static Cpus Allowed();

  // "0-3,8", as the kernel writes such lists. INVALID_ARGUMENT: it is none, or
  // names one that the calling thread may not run on.
  static absl::StatusOr<Cpus> Parse(std::string_view text);

  int count() const { return CPU_COUNT(&set_); }

  // The calling thread runs there from now on, and so do threads that it makes.
  void Enter() const { sched_setaffinity(0, sizeof(set_), &set_); }

  friend bool operator==(const Cpus& a, const Cpus& b) { return CPU_EQUAL(&a.set_, &b.set_); }

 private:
  Cpus() { CPU_ZERO(&set_); }

  cpu_set_t set_;
};

// While it lives, the calling thread runs on these.
class OnCpus {
 public:
  explicit OnCpus(const Cpus& cpus) : before_(Cpus::Allowed()) { cpus.Enter(); }
  ~OnCpus() { before_.Enter(); }
  OnCpus(const OnCpus&) = delete;
  OnCpus& operator=(const OnCpus&) = delete;

 private:
  const Cpus before_;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_CPUS_H_
