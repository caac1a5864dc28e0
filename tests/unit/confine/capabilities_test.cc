// SPDX-License-Identifier: Apache-2.0
#include "bridge/confine/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <thread>

#include "gmock/gmock.h"

namespace kchan::confine {
namespace {

using ::testing::ElementsAre;

// The exit status of a child that does this: what is given up is given up for
// good.
int InChild(const std::function<int()>& what) {
  const pid_t child = fork();
  if (child == 0) _exit(what());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

uint64_t Effective() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  syscall(SYS_capget, &header, sets.data());
  return uint64_t{sets[1].effective} << 32 | sets[0].effective;
}

uint64_t Bit(int capability) { return uint64_t{1} << capability; }

TEST(CapabilitiesTest, EachFeatureNeedsItsOwn) {
  EXPECT_THAT(CapabilitiesFor({}), ElementsAre(CAP_NET_ADMIN));
  EXPECT_THAT(CapabilitiesFor({.kernel_log = true}), ElementsAre(CAP_NET_ADMIN, CAP_SYSLOG));
  EXPECT_THAT(CapabilitiesFor({.pressure = true}), ElementsAre(CAP_NET_ADMIN, CAP_SYS_RESOURCE));
  EXPECT_THAT(CapabilitiesFor({.network_namespaces = true}),
              ElementsAre(CAP_NET_ADMIN, CAP_SYS_ADMIN));
  EXPECT_THAT(CapabilitiesFor({.socket_groups = true}), ElementsAre(CAP_NET_ADMIN, CAP_CHOWN));
  EXPECT_THAT(CapabilitiesFor({.low_ports = true}),
              ElementsAre(CAP_NET_ADMIN, CAP_NET_BIND_SERVICE));
}

TEST(CapabilitiesTest, NamesAreTheKernels) {
  EXPECT_EQ(NamesOf({CAP_NET_ADMIN, CAP_SYSLOG}), "cap_net_admin, cap_syslog");
}

TEST(CapabilitiesTest, OnlyTheNamedAreLeftAlsoForThreadsToCome) {
  if (Effective() == 0) GTEST_SKIP() << "this process has no capability to give up";
  const uint64_t had = Effective();
  const uint64_t wanted = had & (Bit(CAP_NET_ADMIN) | Bit(CAP_SYSLOG));
  EXPECT_EQ(InChild([&] {
              if (!KeepOnly({CAP_NET_ADMIN, CAP_SYSLOG}).ok()) return 1;
              if (Effective() != wanted) return 2;
              uint64_t of_thread = 0;
              std::thread([&] { of_thread = Effective(); }).join();
              if (of_thread != wanted) return 3;
              if (prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 1 && had != wanted &&
                  (had & Bit(CAP_SETPCAP)) != 0) {
                return 4;
              }
              return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 5;
            }),
            0);
}

TEST(CapabilitiesTest, WhatIsNotThereIsNotMissed) {
  EXPECT_EQ(InChild([] {
              if (!KeepOnly({CAP_NET_ADMIN}).ok()) return 1;
              // CAP_SYSLOG is gone: it does not come back, and that is no error.
              return KeepOnly({CAP_NET_ADMIN, CAP_SYSLOG}).ok() &&
                             (Effective() & Bit(CAP_SYSLOG)) == 0
                         ? 0
                         : 2;
            }),
            0);
}

}  // namespace
}  // namespace kchan::confine
