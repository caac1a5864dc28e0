// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_KERNEL_GUEST_MODULES_H_
#define KCHAN_TESTS_KERNEL_GUEST_MODULES_H_

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

namespace kchan::guest {

// The guest keeps our modules in /modules. Both return a positive errno or 0.

inline int LoadModule(const std::string& name) {
  const int fd = open(("/modules/" + name + ".ko").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = syscall(SYS_finit_module, fd, "", 0) == 0 ? 0 : errno;
  close(fd);
  return error;
}

inline int UnloadModule(const std::string& name) {
  return syscall(SYS_delete_module, name.c_str(), O_NONBLOCK) == 0 ? 0 : errno;
}

// Loaded while this exists; `error` says whether it could be.
class ScopedModule {
 public:
  explicit ScopedModule(std::string name) : name_(std::move(name)), error(LoadFresh(name_)) {}
  ~ScopedModule() {
    if (error == 0) UnloadModule(name_);
  }
  ScopedModule(const ScopedModule&) = delete;
  ScopedModule& operator=(const ScopedModule&) = delete;

 private:
  // A test that crashed has left it behind.
  static int LoadFresh(const std::string& name) {
    UnloadModule(name);
    return LoadModule(name);
  }

  const std::string name_;

 public:
  const int error;
};

}  // namespace kchan::guest

#endif  // KCHAN_TESTS_KERNEL_GUEST_MODULES_H_
