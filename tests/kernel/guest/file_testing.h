// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_KERNEL_GUEST_FILE_TESTING_H_
#define KCHAN_TESTS_KERNEL_GUEST_FILE_TESTING_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "kernel_file.h"
#include "testbed.h"

namespace kchan::guest {

// A FILE channel, and a small disk for what it writes.
class FileTest : public ::testing::Test {
 protected:
  static constexpr char kChannel[] = "test.file";

  void SetUp() override {
    ASSERT_EQ(testbed_.error, 0) << std::strerror(testbed_.error);
    ASSERT_EQ(disk_.error(), 0) << std::strerror(disk_.error());
  }

  static std::string Path(const std::string& name) { return SmallDisk::Path(name); }
  int Write(const guest::Write& write) { return WriteRecords(socket_, kChannel, write); }

  // All numbers up to `sequence` are used up, in files or lost.
  bool ReachesSequence(const Holder& holder, uint64_t sequence) {
    return Eventually([&] { return holder.Status().sequence == sequence; });
  }

  ScopedModule testbed_{"kchan_testbed"};
  SmallDisk disk_{"8m"};
  GenlSocket socket_;
};

}  // namespace kchan::guest

#endif  // KCHAN_TESTS_KERNEL_GUEST_FILE_TESTING_H_
