// SPDX-License-Identifier: Apache-2.0
#include "bridge/confine/system_calls.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <string>
#include <thread>

#include "gtest/gtest.h"

namespace kchan::confine {
namespace {

struct Refused {
  std::string name;
  std::function<long()> call;
  int error = EPERM;
};

// The exit status of a child that is confined and then does this.
int Confined(bool with_setns, const std::function<int()>& what) {
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!AllowOnlyOurSystemCalls(with_setns).ok()) _exit(99);
    _exit(what());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class SystemCallsTest : public ::testing::TestWithParam<Refused> {};

TEST_P(SystemCallsTest, IsRefused) {
  EXPECT_EQ(Confined(false,
                     [] {
                       errno = 0;
                       const long result = GetParam().call();
                       return result == -1 && errno == GetParam().error ? 0 : 1;
                     }),
            0);
}

char* const kNoWords[] = {nullptr};

INSTANTIATE_TEST_SUITE_P(
    All, SystemCallsTest,
    ::testing::Values(
        Refused{"execve", [] { return long{execve("/bin/true", kNoWords, kNoWords)}; }},
        Refused{"ptrace", [] { return ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); }},
        Refused{"mount", [] { return long{mount("none", "/tmp", "tmpfs", 0, nullptr)}; }},
        Refused{"unshare", [] { return long{unshare(CLONE_NEWUSER)}; }},
        Refused{"clone_newuser",
                [] { return syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0); }},
        Refused{"clone3", [] { return syscall(SYS_clone3, nullptr, 0); }, ENOSYS},
        Refused{"setns", [] { return long{setns(-1, CLONE_NEWNET)}; }},
        Refused{"init_module", [] { return syscall(SYS_init_module, nullptr, 0, ""); }},
        Refused{"bpf", [] { return syscall(SYS_bpf, 0, nullptr, 0); }},
        Refused{"io_uring_setup", [] { return syscall(SYS_io_uring_setup, 1, nullptr); }},
        Refused{"process_vm_readv",
                [] { return syscall(SYS_process_vm_readv, getppid(), nullptr, 0, nullptr, 0, 0); }},
        Refused{"setuid", [] { return syscall(SYS_setuid, getuid()); }},
        Refused{"packet_socket", [] { return long{socket(AF_PACKET, SOCK_RAW, 0)}; }},
        Refused{"kexec_load", [] { return syscall(SYS_kexec_load, 0, 0, nullptr, 0); }},
        Refused{"personality", [] { return syscall(SYS_personality, 0xffffffff); }}),
    [](const ::testing::TestParamInfo<Refused>& instance) { return instance.param.name; });

TEST(SystemCallsAllowedTest, ThreadsFilesAndSocketsWork) {
  EXPECT_EQ(Confined(false,
                     [] {
                       bool ran = false;
                       std::thread([&] { ran = true; }).join();
                       if (!ran) return 1;
                       const int file = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
                       char byte = 0;
                       if (file < 0 || read(file, &byte, 1) != 1) return 2;
                       for (const int family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK}) {
                         const int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
                         if (fd < 0 && errno == EPERM) return 3;
                       }
                       return 0;
                     }),
            0);
}

TEST(SystemCallsAllowedTest, SetnsIsForThoseWhoAskForIt) {
  EXPECT_EQ(Confined(true,
                     [] {
                       // Allowed, but there is no such descriptor.
                       return setns(-1, CLONE_NEWNET) == -1 && errno == EBADF ? 0 : 1;
                     }),
            0);
}

}  // namespace
}  // namespace kchan::confine
