// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/value_path.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "bridge/source/psi_text.h"

namespace kchan::testing {
namespace {

using source::OpenValueFile;
using source::ParsePsi;
using source::ReadValueFile;
using source::UniqueFd;
using source::ValueTransport;

TEST(ValuePathTest, OnlySysfsAndProcfsHaveValues) {
  EXPECT_EQ(ValueTransport("/sys/class/net/lo/mtu").value(), "sysfs");
  EXPECT_EQ(ValueTransport("/proc/loadavg").value(), "procfs");
  for (const char* path : {"", "/", "/etc/passwd", "sys/x", "/sysx/y", "/sys/../etc/passwd",
                           "/proc/x/..", "/sys/a/../../etc/passwd", "/proc/kmsg"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ValueTransport(path).status())) << path;
  }
  EXPECT_TRUE(ValueTransport("/sys/a..b/c...").ok());
}

TEST(ValuePathTest, AFileIsReadThroughTheLinksOfSysfs) {
  const auto file = OpenValueFile("/sys/class/net/lo/mtu", O_RDONLY);
  ASSERT_TRUE(file.ok()) << file.status();
  const auto text = ReadValueFile(file->get(), "mtu");
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(text->find_first_not_of("0123456789"), std::string::npos) << *text;
}

TEST(ValuePathTest, LinksThatMayLeadAnywhereAreRefused) {
  const UniqueFd outside(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(outside);
  for (const std::string& path :
       {absl::StrCat("/proc/self/fd/", outside.get()), std::string("/proc/self/root/etc/passwd"),
        std::string("/proc/self/exe")}) {
    EXPECT_FALSE(OpenValueFile(path, O_RDONLY).ok()) << path;
  }
}

TEST(ValuePathTest, WhatIsNoRegularFileIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(OpenValueFile("/proc/sys/kernel", O_RDONLY).status()));
  EXPECT_TRUE(absl::IsNotFound(OpenValueFile("/proc/no-such-file", O_RDONLY).status()));
}

class ValueTextTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::string> Read(const std::string& bytes) {
    const UniqueFd file(memfd_create("value", MFD_CLOEXEC));
    EXPECT_EQ(write(file.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    return ReadValueFile(file.get(), "value");
  }
};

TEST_F(ValueTextTest, OneNewlineAtTheEndIsNotPartOfTheValue) {
  EXPECT_EQ(Read("").value(), "");
  EXPECT_EQ(Read("\n").value(), "");
  EXPECT_EQ(Read("1\n").value(), "1");
  EXPECT_EQ(Read("1\n2\n\n").value(), "1\n2\n");
}

TEST_F(ValueTextTest, BytesThatAreNoUtf8AreReplaced) {
  EXPECT_EQ(Read("a\xff\xc3\xa9\t").value(), "a?\xc3\xa9\t");
  EXPECT_EQ(Read(std::string("a\0b", 3)).value(), "a?b");
}

TEST_F(ValueTextTest, TheLongestValueFitsAndOneByteMoreDoesNot) {
  const std::string longest(source::kMaxValueBytes, 'x');
  EXPECT_EQ(Read(longest).value(), longest);
  EXPECT_TRUE(absl::IsOutOfRange(Read(longest + "x").status()));
}

TEST(PsiTextTest, BothLinesBecomeWords) {
  const auto words = ParsePsi(
      "some avg10=1.20 avg60=0.05 avg300=100.00 total=123\n"
      "full avg10=0.00 avg60=0.00 avg300=0.00 total=45");
  ASSERT_TRUE(words);
  ASSERT_EQ(words->size(), 8u);
  EXPECT_EQ((*words)[0], (hub::Word{"some_avg10", uint64_t{120}}));
  EXPECT_EQ((*words)[1], (hub::Word{"some_avg60", uint64_t{5}}));
  EXPECT_EQ((*words)[2], (hub::Word{"some_avg300", uint64_t{10000}}));
  EXPECT_EQ((*words)[3], (hub::Word{"some_total_us", uint64_t{123}}));
  EXPECT_EQ((*words)[7], (hub::Word{"full_total_us", uint64_t{45}}));
}

TEST(PsiTextTest, AKernelThatMeasuresOnlySomeIsUnderstood) {
  EXPECT_EQ(ParsePsi("some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n")->size(), 4u);
}

TEST(PsiTextTest, WhatIsNoPressureIsNone) {
  for (const char* text : {"", "\n", "none avg10=0.00", "some avg10=0", "some avg10=0.0",
                           "some avg10=101.00", "some total=x", "some avg10=-1.00", "some"}) {
    EXPECT_FALSE(ParsePsi(text)) << text;
  }
}

}  // namespace
}  // namespace kchan::testing
