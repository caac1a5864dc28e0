// SPDX-License-Identifier: Apache-2.0
// Regions that user space reaches through a disk and their module by calls.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "testbed.h"
#include "value_testing.h"

namespace kchan::guest {
namespace {

constexpr uint64_t kMiB = 1 << 20;

// The channels of kmod/tests/kchan_testbed_block.c.
enum class Region : uint32_t { kWritable = 0, kFourK = 1, kReadOnly = 2 };

std::string PathOf(Region region) {
  constexpr const char* kNames[] = {"rw", "4k", "ro"};
  return std::string("/dev/kchan.test.block.") + kNames[static_cast<uint32_t>(region)];
}

struct Access {
  enum Kind : uint32_t { kFill = 0, kExpect = 1 };
  Region region = Region::kWritable;
  Kind kind = kFill;
  uint64_t offset = 0;
  uint32_t length = 512;
  uint32_t byte = 0;
};

// The module's own access. A positive errno or 0.
int ModuleDoes(GenlSocket& socket, const Access& access) {
  return socket
      .Do(KCHAN_CMD_SEND, Attributes()
                              .String(KCHAN_A_CHANNEL_NAME, "test.block.command")
                              .U16(KCHAN_A_RECORD_TYPE, 1)
                              .Put(KCHAN_A_PAYLOAD, &access, sizeof(access)))
      .error;
}

// Memory as O_DIRECT wants it.
class Buffer {
 public:
  explicit Buffer(size_t bytes, int byte = 0)
      : bytes_(bytes), at_(static_cast<char*>(std::aligned_alloc(4096, (bytes + 4095) & ~4095ul))) {
    Fill(byte);
  }
  ~Buffer() { std::free(at_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  void Fill(int byte) { std::memset(at_, byte, bytes_); }
  bool Is(int byte) const {
    return std::all_of(at_, at_ + bytes_, [&](char c) { return c == static_cast<char>(byte); });
  }
  char* at() const { return at_; }
  size_t bytes() const { return bytes_; }

 private:
  const size_t bytes_;
  char* const at_;
};

// The open disk. All return a positive errno or 0, of the whole buffer.
class Disk {
 public:
  explicit Disk(Region region, int flags = O_RDWR | O_DIRECT)
      : fd_(open(PathOf(region).c_str(), flags | O_CLOEXEC)), error_(fd_ < 0 ? errno : 0) {}
  ~Disk() {
    if (fd_ >= 0) close(fd_);
  }
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  int Write(uint64_t offset, const Buffer& from) const {
    return Whole(pwrite(fd_, from.at(), from.bytes(), off_t(offset)), from);
  }
  int Read(uint64_t offset, Buffer* to) const {
    return Whole(pread(fd_, to->at(), to->bytes(), off_t(offset)), *to);
  }
  int Discard(uint64_t offset, uint64_t length) const {
    uint64_t range[2] = {offset, length};
    return ioctl(fd_, BLKDISCARD, range) ? errno : 0;
  }
  int WriteZeroes(uint64_t offset, uint64_t length) const {
    uint64_t range[2] = {offset, length};
    return ioctl(fd_, BLKZEROOUT, range) ? errno : 0;
  }
  int Sync() const { return fsync(fd_) ? errno : 0; }
  int fd() const { return fd_; }
  int error() const { return error_; }

 private:
  static int Whole(ssize_t done, const Buffer& buffer) {
    if (done < 0) return errno;
    return size_t(done) == buffer.bytes() ? 0 : ENODATA;
  }

  const int fd_;
  const int error_;
};

class BlockTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(testbed_->error, 0) << std::strerror(testbed_->error); }

  std::unique_ptr<ScopedModule> testbed_ = std::make_unique<ScopedModule>("kchan_testbed_block");
  GenlSocket socket_;
};

TEST_F(BlockTest, ChannelDescribesItself) {
  const Parsed writable = GetChannel(socket_, "test.block.rw");
  EXPECT_EQ(writable.U32(KCHAN_A_TRANSPORT), KCHAN_TRANSPORT_BLOCK);
  EXPECT_EQ(writable.U32(KCHAN_A_VOLUME), KCHAN_VOLUME_BULK);
  EXPECT_EQ(writable.U32(KCHAN_A_STATE), KCHAN_STATE_LIVE);
  EXPECT_NE(writable.U64(KCHAN_A_GENERATION), 0u);
  EXPECT_EQ(writable.String(KCHAN_A_PATH), PathOf(Region::kWritable));
  EXPECT_EQ(writable.U64(KCHAN_A_CAPACITY_BYTES), 32 * kMiB);
  EXPECT_EQ(writable.U32(KCHAN_A_BLOCK_BYTES), 512u);
  EXPECT_FALSE(writable.Has(KCHAN_A_READ_ONLY));
  EXPECT_EQ(GetChannel(socket_, "test.block.4k").U32(KCHAN_A_BLOCK_BYTES), 4096u);
  EXPECT_TRUE(GetChannel(socket_, "test.block.ro").Has(KCHAN_A_READ_ONLY));

  const Disk disk(Region::kWritable);
  uint64_t bytes = 0;
  int block = 0;
  ASSERT_EQ(ioctl(disk.fd(), BLKGETSIZE64, &bytes), 0);
  ASSERT_EQ(ioctl(disk.fd(), BLKSSZGET, &block), 0);
  EXPECT_EQ(bytes, 32 * kMiB);
  EXPECT_EQ(block, 512);
}

TEST_F(BlockTest, WhatIsWrittenIsRead) {
  const Disk disk(Region::kWritable);
  ASSERT_EQ(disk.error(), 0);
  Buffer read(64 << 10);
  ASSERT_EQ(disk.Read(0, &read), 0);
  EXPECT_TRUE(read.Is(0));
  // Across pages, and not at their beginning.
  ASSERT_EQ(disk.Write(4096 - 512, Buffer(32 << 10, 0x5a)), 0);
  ASSERT_EQ(disk.Read(0, &read), 0);
  EXPECT_EQ(read.at()[4096 - 513], 0);
  EXPECT_EQ(read.at()[4096 - 512], 0x5a);
  EXPECT_EQ(read.at()[4096 - 513 + (32 << 10)], 0x5a);
  EXPECT_EQ(read.at()[4096 - 512 + (32 << 10)], 0);
  // The last block of all.
  Buffer last(512, 7);
  ASSERT_EQ(disk.Write(32 * kMiB - 512, last), 0);
  last.Fill(0);
  ASSERT_EQ(disk.Read(32 * kMiB - 512, &last), 0);
  EXPECT_TRUE(last.Is(7));
}

TEST_F(BlockTest, BothEndsSeeEachOther) {
  const Disk disk(Region::kWritable);
  ASSERT_EQ(disk.Write(8192, Buffer(4096, 0x11)), 0);
  EXPECT_EQ(
      ModuleDoes(socket_, {.kind = Access::kExpect, .offset = 8192, .length = 4096, .byte = 0x11}),
      0);
  // The module is not bound to blocks.
  EXPECT_EQ(ModuleDoes(socket_, {.offset = 8192 + 3, .length = 5000, .byte = 0x22}), 0);
  Buffer read(12288);
  ASSERT_EQ(disk.Read(8192, &read), 0);
  EXPECT_EQ(read.at()[2], 0x11);
  EXPECT_EQ(read.at()[3], 0x22);
  EXPECT_EQ(read.at()[5002], 0x22);
  EXPECT_EQ(read.at()[5003], 0);
  EXPECT_EQ(ModuleDoes(socket_, {.kind = Access::kExpect, .offset = 32 * kMiB - 9, .length = 9}),
            0);
  EXPECT_EQ(ModuleDoes(socket_, {.kind = Access::kExpect, .offset = 32 * kMiB - 9, .length = 10}),
            ERANGE);
  EXPECT_EQ(ModuleDoes(socket_, {.offset = 32 * kMiB, .length = 1}), ERANGE);
  EXPECT_EQ(ModuleDoes(socket_, {.offset = ~0ull, .length = 2}), ERANGE);
}

TEST_F(BlockTest, BadRequestsAreRefused) {
  const Disk disk(Region::kWritable), four_k(Region::kFourK);
  Buffer buffer(4096, 1);
  EXPECT_EQ(disk.Write(100, buffer), EINVAL);
  EXPECT_EQ(four_k.Write(512, buffer), EINVAL);
  EXPECT_EQ(four_k.Write(4096, buffer), 0);
  const Buffer half(512);
  EXPECT_EQ(four_k.Write(0, half), EINVAL);
  EXPECT_EQ(disk.Write(32 * kMiB, buffer), ENOSPC);
  EXPECT_EQ(disk.Read(32 * kMiB, &buffer), ENODATA);
  EXPECT_EQ(disk.Discard(0, 100), EINVAL);
  EXPECT_EQ(disk.Discard(32 * kMiB, 512), EINVAL);
}

TEST_F(BlockTest, ReadOnlyIsForUserSpaceOnly) {
  const Disk disk(Region::kReadOnly, O_RDONLY | O_DIRECT);
  ASSERT_EQ(disk.error(), 0);
  EXPECT_EQ(ModuleDoes(socket_, {.region = Region::kReadOnly, .offset = 512, .byte = 9}), 0);
  Buffer read(512);
  ASSERT_EQ(disk.Read(512, &read), 0);
  EXPECT_TRUE(read.Is(9));

  int read_only = 0;
  // It is not a matter of the administrator's opinion.
  ioctl(disk.fd(), BLKROSET, &read_only);
  ASSERT_EQ(ioctl(disk.fd(), BLKROGET, &read_only), 0);
  EXPECT_NE(read_only, 0);
  const Disk writer(Region::kReadOnly);
  EXPECT_TRUE(writer.error() != 0 || writer.Write(512, Buffer(512, 1)) == EPERM) << writer.error();
  EXPECT_NE(writer.Discard(0, 4096), 0);
  ASSERT_EQ(disk.Read(512, &read), 0);
  EXPECT_TRUE(read.Is(9));
}

// ---- Memory -------------------------------------------------------------------

// The kernel's free pages, and those that each CPU keeps at hand.
uint64_t FreeBytes() {
  std::ifstream file("/proc/zoneinfo");
  uint64_t pages = 0, value = 0;
  for (std::string word; file >> word;) {
    if ((word == "nr_free_pages" || word == "count:") && file >> value) pages += value;
  }
  return pages * 4096;
}

TEST_F(BlockTest, DiscardGivesMemoryBackAndZeros) {
  const Disk disk(Region::kWritable);
  const uint64_t before = FreeBytes();
  const Buffer megabyte(kMiB, 0x33);
  for (uint64_t i = 0; i < 32; i++) ASSERT_EQ(disk.Write(i * kMiB, megabyte), 0);
  EXPECT_LT(FreeBytes() + 28 * kMiB, before);
  ASSERT_EQ(disk.Discard(0, 16 * kMiB), 0);
  ASSERT_EQ(disk.WriteZeroes(16 * kMiB, 16 * kMiB - 512), 0);
  EXPECT_TRUE(Eventually([&] { return FreeBytes() + 6 * kMiB > before; }))
      << before << " bytes were free, now " << FreeBytes();
  Buffer read(kMiB);
  ASSERT_EQ(disk.Read(0, &read), 0);
  EXPECT_TRUE(read.Is(0));
  ASSERT_EQ(disk.Read(31 * kMiB, &read), 0);
  EXPECT_EQ(read.at()[kMiB - 513], 0);
  EXPECT_EQ(read.at()[kMiB - 512], 0x33);
}

TEST_F(BlockTest, DiscardOfPartOfAPageLeavesTheRest) {
  const Disk disk(Region::kWritable);
  ASSERT_EQ(disk.Write(0, Buffer(12288, 0x44)), 0);
  ASSERT_EQ(disk.Discard(1024, 8192), 0);
  Buffer read(12288);
  ASSERT_EQ(disk.Read(0, &read), 0);
  EXPECT_EQ(read.at()[1023], 0x44);
  EXPECT_EQ(std::count(read.at(), read.at() + read.bytes(), 0), 8192);
  EXPECT_EQ(read.at()[1024 + 8192], 0x44);
}

// ---- The module hears of it -----------------------------------------------------

enum Told : uint32_t { kCalls = 0, kBytes = 1, kLowest = 2, kEnd = 3 };

TEST_F(BlockTest, ModuleHearsOfWritesBeforeFsyncReturns) {
  ValueFile told;
  ASSERT_EQ(told.Attach("test.block.told"), 0);
  const Disk disk(Region::kWritable);
  ASSERT_EQ(disk.Write(4096, Buffer(1024, 1)), 0);
  ASSERT_EQ(disk.Sync(), 0);
  EXPECT_EQ(told.Read().words[kBytes], 1024u);
  EXPECT_EQ(told.Read().words[kLowest], 4096u);
  EXPECT_EQ(told.Read().words[kEnd], 5120u);
  ASSERT_EQ(disk.Discard(kMiB, 8192), 0);
  ASSERT_EQ(disk.Sync(), 0);
  EXPECT_EQ(told.Read().words[kBytes], 1024u + 8192u);
  EXPECT_EQ(told.Read().words[kEnd], kMiB + 8192u);
  // Neither reads nor the module's own writes are news to it.
  Buffer read(4096);
  ASSERT_EQ(disk.Read(0, &read), 0);
  ASSERT_EQ(ModuleDoes(socket_, {.offset = 0, .length = 4096, .byte = 1}), 0);
  ASSERT_EQ(disk.Sync(), 0);
  EXPECT_EQ(told.Read().words[kBytes], 1024u + 8192u);
}

TEST_F(BlockTest, ManyWritesAreToldInFewCallsButWhole) {
  ValueFile told;
  ASSERT_EQ(told.Attach("test.block.told"), 0);
  const Disk disk(Region::kWritable);
  const Buffer block(512, 2);
  for (uint64_t i = 0; i < 2000; i++) ASSERT_EQ(disk.Write(i * 512, block), 0);
  ASSERT_EQ(disk.Sync(), 0);
  const kchan_value_read first = told.Read();
  EXPECT_EQ(first.words[kBytes], 2000u * 512);
  EXPECT_EQ(first.words[kLowest], 0u);
  EXPECT_EQ(first.words[kEnd], 2000u * 512);
  EXPECT_LE(first.words[kCalls], 2000u);
}

// ---- Load -----------------------------------------------------------------------

TEST_F(BlockTest, BlocksAreNeverTorn) {
  constexpr int kEnough = 200;
  std::atomic<bool> done = false;
  std::thread module_writer([&] {
    GenlSocket socket;
    for (int i = 0; !done; i++) {
      ASSERT_EQ(ModuleDoes(socket,
                           {.region = Region::kFourK, .length = 4096, .byte = uint32_t(i % 2 + 1)}),
                0);
    }
  });
  std::thread user_writer([&] {
    const Disk disk(Region::kFourK);
    const Buffer three(4096, 3), four(4096, 4);
    for (int i = 0; !done; i++) ASSERT_EQ(disk.Write(0, i % 2 == 0 ? three : four), 0);
  });
  const Disk disk(Region::kFourK);
  Buffer read(4096);
  int seen[5] = {}, torn = 0;
  // Until each of the two has been seen often enough to have been in the way.
  EXPECT_TRUE(Eventually([&] {
    for (int i = 0; i < 100; i++) {
      if (disk.Read(0, &read) != 0) return false;
      const int byte = read.at()[0];
      const bool whole = byte >= 0 && byte <= 4 && read.Is(byte);
      seen[whole ? byte : 0]++;
      torn += !whole;
    }
    return seen[1] + seen[2] > kEnough && seen[3] + seen[4] > kEnough;
  }));
  done = true;
  module_writer.join();
  user_writer.join();
  EXPECT_EQ(torn, 0);
}

TEST_F(BlockTest, TwoThreadsVerifyWhatTheyWrite) {
  std::vector<std::thread> threads;
  for (uint64_t half = 0; half < 2; half++) {
    threads.emplace_back([half] {
      const Disk disk(Region::kWritable);
      unsigned seed = 17 + unsigned(half);
      // What each 4 KiB of this thread's half is filled with.
      std::vector<int> expected(4096, 0);
      for (int i = 0; i < 3000; i++) {
        const size_t page = size_t(rand_r(&seed)) % expected.size();
        const uint64_t offset = half * 16 * kMiB + page * 4096;
        Buffer buffer(4096);
        switch (rand_r(&seed) % 4) {
          case 0:
            expected[page] = 0;
            ASSERT_EQ(disk.Discard(offset, 4096), 0);
            break;
          case 1:
            expected[page] = rand_r(&seed) % 255 + 1;
            buffer.Fill(expected[page]);
            ASSERT_EQ(disk.Write(offset, buffer), 0);
            break;
          default:
            ASSERT_EQ(disk.Read(offset, &buffer), 0);
            ASSERT_TRUE(buffer.Is(expected[page])) << "page " << page;
        }
        if (i % 500 == 0) {
          ASSERT_EQ(disk.Sync(), 0);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// ---- The end --------------------------------------------------------------------

TEST_F(BlockTest, ModuleGoesUnderAnOpenDisk) {
  const Disk disk(Region::kWritable);
  Buffer buffer(4096, 1);
  ASSERT_EQ(disk.Write(0, buffer), 0);
  testbed_.reset();
  EXPECT_NE(access(PathOf(Region::kWritable).c_str(), F_OK), 0);
  EXPECT_NE(disk.Read(0, &buffer), 0);
  EXPECT_NE(disk.Write(0, buffer), 0);
  EXPECT_NE(disk.Sync(), 0);
  // It is the core that the opener pins; the name is free again.
  EXPECT_EQ(UnloadModule("kchan"), EAGAIN);
  testbed_ = std::make_unique<ScopedModule>("kchan_testbed_block");
  ASSERT_EQ(testbed_->error, 0);
  const Disk again(Region::kWritable);
  ASSERT_EQ(again.Read(0, &buffer), 0);
  EXPECT_TRUE(buffer.Is(0));
  EXPECT_NE(disk.Read(0, &buffer), 0);
}

// A transfer that is under way is done, cut or failed; it does not hang, and
// what comes after it fails.
TEST_F(BlockTest, ModuleGoesInTheMiddleOfATransfer) {
  constexpr int kTries = 20;
  int cut = 0;
  for (int i = 0; i < kTries && cut == 0; i++) {
    ValueFile told;
    ASSERT_EQ(told.Attach("test.block.told"), 0);
    const Disk disk(Region::kWritable);
    const Buffer all(32 * kMiB, i + 1);
    int result = -1;
    std::thread transfer([&] { result = disk.Write(0, all); });
    // It has begun: the module has heard of its first part.
    EXPECT_TRUE(Eventually([&] { return told.Read().words[kBytes] > 0; }));
    testbed_.reset();
    transfer.join();
    cut += result != 0;
    EXPECT_NE(disk.Write(0, all), 0);
    testbed_ = std::make_unique<ScopedModule>("kchan_testbed_block");
    ASSERT_EQ(testbed_->error, 0);
    const Disk again(Region::kWritable);
    Buffer first(4096, 1);
    ASSERT_EQ(again.Read(0, &first), 0);
    EXPECT_TRUE(first.Is(0)) << "nothing of the old region is in the new one";
  }
  EXPECT_GT(cut, 0) << "each transfer was over before its region went";
}

TEST_F(BlockTest, ModuleComesAndGoesUnderLoad) {
  std::atomic<bool> done = false;
  std::atomic<uint64_t> writes = 0;
  std::vector<std::thread> threads;
  for (int flags : {O_RDWR | O_DIRECT, O_RDWR}) {
    threads.emplace_back([&, flags] {
      Buffer buffer(16384, 5);
      while (!done) {
        const Disk disk(Region::kWritable, flags);
        for (uint64_t i = 0; !done && disk.error() == 0; i++) {
          if (disk.Write(i % 1000 * 16384, buffer) != 0 || disk.Sync() != 0) break;
          writes++;
        }
      }
    });
  }
  for (int i = 0; i < 10; i++) {
    const uint64_t before = writes;
    EXPECT_TRUE(Eventually([&] { return writes > before + 5; }));
    testbed_.reset();
    testbed_ = std::make_unique<ScopedModule>("kchan_testbed_block");
    EXPECT_EQ(testbed_->error, 0);
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
}

// ---- What lies there is nobody else's business ----------------------------------

TEST_F(BlockTest, PartitionTableIsNotRead) {
  {
    const Disk disk(Region::kWritable);
    Buffer sector(512);
    // One partition of type 0x83, sectors 8 to 1007, and the signature.
    const unsigned char entry[16] = {0, 0, 0, 0, 0x83, 0, 0, 0, 8, 0, 0, 0, 0xe8, 3, 0, 0};
    std::memcpy(sector.at() + 446, entry, sizeof(entry));
    sector.at()[510] = 0x55;
    sector.at()[511] = static_cast<char>(0xaa);
    ASSERT_EQ(disk.Write(0, sector), 0);
    EXPECT_NE(ioctl(disk.fd(), BLKRRPART), 0);
  }
  const Disk again(Region::kWritable);
  EXPECT_NE(access("/sys/block/kchan.test.block.rw/kchan.test.block.rwp1", F_OK), 0);
  EXPECT_NE(access("/sys/block/kchan.test.block.rw/kchan.test.block.rw1", F_OK), 0);
  std::ifstream partitions("/proc/partitions");
  int rows = 0;
  for (std::string line; std::getline(partitions, line);) {
    rows += line.find("kchan.test.block.rw") != std::string::npos;
  }
  EXPECT_EQ(rows, 1);
}

}  // namespace
}  // namespace kchan::guest
