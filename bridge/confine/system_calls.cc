// SPDX-License-Identifier: Apache-2.0
#include "bridge/confine/system_calls.h"

#include <sched.h>
#include <seccomp.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KCHAN_SANITIZED 1
#else
#define KCHAN_SANITIZED 0
#endif

namespace kchan::confine {
namespace {

// By what they are for. Names that an architecture does not have are left out.
constexpr const char* kAllowed[] = {
    // Memory
    "brk", "madvise", "mmap", "mprotect", "mremap", "munmap", "membarrier",
    // Threads, and how the C library ends and signals them
    "exit", "exit_group", "futex", "futex_waitv", "get_robust_list", "set_robust_list", "rseq",
    "set_tid_address", "gettid", "getpid", "getppid", "tgkill", "kill", "tkill", "sched_yield",
    "sched_getaffinity", "sched_setaffinity", "sched_getparam", "sched_getscheduler", "getcpu",
    "arch_prctl", "prctl", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait",
    "sigaltstack", "restart_syscall", "signalfd4",
    // Time
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
    "timerfd_create", "timerfd_settime", "timerfd_gettime",
    // Waiting
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll",
    "select", "pselect6", "eventfd2", "pipe2", "inotify_init1", "inotify_add_watch",
    "inotify_rm_watch",
    // Files
    "access", "faccessat", "faccessat2", "close", "close_range", "dup", "dup2", "dup3", "fcntl",
    "fstat", "newfstatat", "stat", "lstat", "statx", "statfs", "fstatfs", "getdents64", "lseek",
    "open", "openat", "openat2", "read", "readv", "pread64", "preadv", "write", "writev",
    "pwrite64", "pwritev", "readlink", "readlinkat", "ioctl", "flock", "fsync", "fdatasync",
    "sync_file_range", "fadvise64", "fallocate", "ftruncate", "truncate", "mkdir", "mkdirat",
    "rename", "renameat", "renameat2", "rmdir", "unlink", "unlinkat", "chmod", "fchmod", "fchmodat",
    "chown", "fchown", "fchownat", "umask", "getcwd", "utimensat", "copy_file_range",
    "memfd_create", "sendfile",
    // Sockets; socket() itself by family, below
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen",
    "recvfrom", "recvmmsg", "recvmsg", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
    "socketpair",
    // Itself: who it is and what it may, one thread's capabilities among them
    "capget", "capset", "getegid", "geteuid", "getgid", "getuid", "getgroups", "getresuid",
    "getresgid", "getrandom", "getrlimit", "prlimit64", "getrusage", "times", "sysinfo", "uname"};

constexpr int kFamilies[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

constexpr uint64_t kNewNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

class Filter {
 public:
  explicit Filter(uint32_t otherwise) : context_(seccomp_init(otherwise), seccomp_release) {}

  void Allow(const char* name) { Add(SCMP_ACT_ALLOW, name); }
  void Answer(const char* name, int error) {
    Add(SCMP_ACT_ERRNO(static_cast<uint32_t>(error)), name);
  }
  void AllowIf(const char* name, const scmp_arg_cmp& argument) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) return;
    Note(seccomp_rule_add(context_.get(), SCMP_ACT_ALLOW, number, 1, argument), name);
  }

  // What is refused gets a line in the kernel's log.
  void Tell() {
    if (context_ != nullptr) seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_LOG, 1);
  }

  absl::Status Load() {
    if (status_.ok() && context_ == nullptr) status_ = absl::InternalError("libseccomp failed");
    if (status_.ok()) Note(seccomp_load(context_.get()), "the filter");
    return status_;
  }

 private:
  void Add(uint32_t action, const char* name) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) return;
    Note(seccomp_rule_add(context_.get(), action, number, 0), name);
  }
  void Note(int error, const char* what) {
    if (error == 0 || !status_.ok()) return;
    status_ = absl::ErrnoToStatus(-error, absl::StrCat("filter of system calls: ", what));
  }

  const std::unique_ptr<void, decltype(&seccomp_release)> context_;
  absl::Status status_;
};

}  // namespace

absl::Status AllowOnlyOurSystemCalls(bool with_setns) {
  if (KCHAN_SANITIZED) return absl::OkStatus();
  // What clone3() is asked for cannot be seen here. The C library tries it for
  // each thread and then takes clone(): a filter of its own, which says nothing.
  Filter threads(SCMP_ACT_ALLOW);
  threads.Answer("clone3", ENOSYS);
  if (absl::Status status = threads.Load(); !status.ok()) return status;

  Filter filter(SCMP_ACT_ERRNO(EPERM));
  filter.Tell();
  for (const char* name : kAllowed) filter.Allow(name);
  filter.Allow("clone3");
  filter.AllowIf("clone", SCMP_A0(SCMP_CMP_MASKED_EQ, kNewNamespaces, 0));  // threads only
  for (const int family : kFamilies) {
    filter.AllowIf("socket", SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family)));
  }
  if (with_setns) {
    filter.AllowIf("setns", SCMP_A1(SCMP_CMP_EQ, CLONE_NEWNET));
  }
  return filter.Load();
}

}  // namespace kchan::confine
