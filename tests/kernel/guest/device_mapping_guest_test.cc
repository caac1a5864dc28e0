// SPDX-License-Identifier: Apache-2.0
// Mapping a ring: what is refused, and what changes nothing.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "ring_file.h"
#include "testbed.h"

namespace kchan::guest {
namespace {

class MappingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(testbed_.error, 0) << std::strerror(testbed_.error);
    ASSERT_EQ(file_.Attach("test.shared"), 0);
  }

  ScopedModule testbed_{"kchan_testbed"};
  GenlSocket socket_;
  RingFile file_;
  const size_t page_ = Mapping::PageBytes();
};

TEST_F(MappingTest, OnlyTheConsumerPageIsWritable) {
  EXPECT_EQ(Mapping(file_.fd(), KCHAN_PAGE_CONSUMER, 1, PROT_READ | PROT_WRITE).error(), 0);
  for (const size_t page : {KCHAN_PAGE_PRODUCER, KCHAN_PAGE_INFO, KCHAN_PAGE_DATA}) {
    EXPECT_EQ(Mapping(file_.fd(), page, 1, PROT_READ | PROT_WRITE).error(), EPERM) << page;
    EXPECT_EQ(Mapping(file_.fd(), page, 1, PROT_WRITE).error(), EPERM) << page;
    EXPECT_EQ(Mapping(file_.fd(), page, 1, PROT_READ).error(), 0) << page;
  }
  EXPECT_EQ(Mapping(file_.fd(), KCHAN_PAGE_CONSUMER, 2, PROT_READ | PROT_WRITE).error(), EINVAL);
  EXPECT_EQ(Mapping(file_.fd(), KCHAN_PAGE_CONSUMER, 4, PROT_READ).error(), EINVAL);
}

TEST_F(MappingTest, PrivateAndExecutableAreRefused) {
  for (const size_t page : {KCHAN_PAGE_CONSUMER, KCHAN_PAGE_DATA}) {
    EXPECT_EQ(Mapping(file_.fd(), page, 1, PROT_READ, MAP_PRIVATE).error(), EINVAL);
    EXPECT_EQ(Mapping(file_.fd(), page, 1, PROT_READ | PROT_EXEC).error(), EPERM);
  }
}

TEST_F(MappingTest, NothingBeyondTheSecondDataMapping) {
  const size_t end = KCHAN_PAGE_DATA + 2 * file_.data_pages();
  EXPECT_EQ(Mapping(file_.fd(), end - 1, 1, PROT_READ).error(), 0);
  EXPECT_EQ(Mapping(file_.fd(), end - 1, 2, PROT_READ).error(), EINVAL);
  EXPECT_EQ(Mapping(file_.fd(), end, 1, PROT_READ).error(), EINVAL);
  EXPECT_EQ(Mapping(file_.fd(), 1, end, PROT_READ).error(), EINVAL);
  EXPECT_EQ(Mapping(file_.fd(), size_t{1} << 50, 1, PROT_READ).error(), EINVAL);
}

TEST_F(MappingTest, DataIsMappedTwice) {
  ASSERT_EQ(WriteRecords(socket_, "test.shared", {.count = 20, .length = 64}), 0);
  const Mapping data(file_.fd(), KCHAN_PAGE_DATA, 2 * file_.data_pages(), PROT_READ);
  ASSERT_EQ(data.error(), 0);
  EXPECT_EQ(std::memcmp(data.at(), data.at(file_.data_bytes()), file_.data_bytes()), 0);
  EXPECT_NE(std::memcmp(data.at(), std::string(64, '\0').data(), 64), 0);
}

TEST_F(MappingTest, MprotectGivesNothingBack) {
  const Mapping data(file_.fd(), KCHAN_PAGE_PRODUCER, 3, PROT_READ);
  const Mapping consumer(file_.fd(), KCHAN_PAGE_CONSUMER, 1, PROT_READ | PROT_WRITE);
  for (const Mapping* mapping : {&data, &consumer}) {
    EXPECT_EQ(mprotect(mapping->at(), mapping->bytes(), PROT_READ | PROT_EXEC), -1);
    EXPECT_EQ(errno, EACCES);
  }
  EXPECT_EQ(mprotect(data.at(), data.bytes(), PROT_READ | PROT_WRITE), -1);
  EXPECT_EQ(errno, EACCES);
  EXPECT_EQ(mprotect(data.at(), page_, PROT_NONE), -1) << "a mapping is not split";
}

TEST_F(MappingTest, MremapNeitherGrowsNorSplits) {
  const Mapping data(file_.fd(), KCHAN_PAGE_DATA, 2, PROT_READ);
  ASSERT_EQ(data.error(), 0);
  EXPECT_EQ(mremap(data.at(), data.bytes(), 4 * page_, MREMAP_MAYMOVE), MAP_FAILED);
  EXPECT_EQ(mremap(data.at(), data.bytes(), page_, 0), MAP_FAILED);
  EXPECT_EQ(mremap(data.at(), 0, page_, MREMAP_MAYMOVE), MAP_FAILED);
  EXPECT_EQ(*data.at(page_), *data.at(page_)) << "still mapped";
}

TEST_F(MappingTest, MovedMappingShowsTheSame) {
  ASSERT_EQ(WriteRecords(socket_, "test.shared", {.count = 20, .length = 64}), 0);
  const Mapping data(file_.fd(), KCHAN_PAGE_DATA, 1, PROT_READ);
  const std::string before(data.at(), page_);
  void* target = mmap(nullptr, page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  void* moved = mremap(data.at(), page_, page_, MREMAP_MAYMOVE | MREMAP_FIXED, target);
  ASSERT_EQ(moved, target);
  EXPECT_EQ(std::memcmp(moved, before.data(), page_), 0);
  munmap(moved, page_);
}

TEST_F(MappingTest, PartialMunmapIsRefused) {
  const Mapping data(file_.fd(), KCHAN_PAGE_DATA, 3, PROT_READ);
  ASSERT_EQ(data.error(), 0);
  for (const size_t first : {0, 1, 2}) {
    EXPECT_EQ(munmap(data.at(first * page_), page_), -1) << first;
    EXPECT_EQ(errno, EINVAL);
  }
}

TEST_F(MappingTest, DontneedOnlyCostsAFault) {
  ASSERT_EQ(WriteRecords(socket_, "test.shared", {.count = 20, .length = 64}), 0);
  const Mapping data(file_.fd(), KCHAN_PAGE_DATA, 2, PROT_READ);
  const Mapping consumer(file_.fd(), KCHAN_PAGE_CONSUMER, 1, PROT_READ | PROT_WRITE);
  const std::string before(data.at(), data.bytes());
  *consumer.at(64) = 42;
  ASSERT_EQ(madvise(data.at(), data.bytes(), MADV_DONTNEED), 0);
  ASSERT_EQ(madvise(consumer.at(), consumer.bytes(), MADV_DONTNEED), 0);
  EXPECT_EQ(std::memcmp(data.at(), before.data(), before.size()), 0);
  EXPECT_EQ(*consumer.at(64), 42);
}

TEST_F(MappingTest, IsNotDumped) {
  const Mapping data(file_.fd(), KCHAN_PAGE_DATA, 1, PROT_READ);
  EXPECT_EQ(madvise(data.at(), data.bytes(), MADV_DODUMP), -1);
  EXPECT_EQ(errno, EINVAL);
}

int ExitCode(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(MappingTest, ForkDoesNotInheritIt) {
  const Mapping data(file_.fd(), KCHAN_PAGE_DATA, 1, PROT_READ);
  const pid_t child = fork();
  if (child == 0) {
    unsigned char resident;
    _exit(mincore(data.at(), page_, &resident) == -1 && errno == ENOMEM ? 0 : 1);
  }
  EXPECT_EQ(ExitCode(child), 0);
}

// MADV_DOFORK takes the hint away: the child's mapping is as good as another,
// and holds the ring until the child is gone.
TEST_F(MappingTest, ForkWithDoforkSharesAndHolds) {
  auto data = std::make_unique<Mapping>(file_.fd(), KCHAN_PAGE_DATA, 1, PROT_READ);
  ASSERT_EQ(madvise(data->at(), page_, MADV_DOFORK), 0);
  ASSERT_EQ(WriteRecords(socket_, "test.shared", {.length = 64}), 0);
  const std::string before(data->at(), page_);
  int go[2];
  ASSERT_EQ(pipe(go), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(file_.fd());
    close(go[1]);
    char byte;
    if (read(go[0], &byte, 1) != 0) _exit(2);
    _exit(std::memcmp(data->at(), before.data(), page_) == 0 ? 0 : 1);
  }
  data.reset();
  file_.Close();
  RingFile second;
  EXPECT_EQ(second.Attach("test.shared"), EBUSY) << "the child's mapping holds the file";
  close(go[0]);
  close(go[1]);
  EXPECT_EQ(ExitCode(child), 0);
  EXPECT_EQ(second.Attach("test.shared"), 0);
}

}  // namespace
}  // namespace kchan::guest
