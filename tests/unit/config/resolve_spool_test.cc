// SPDX-License-Identifier: Apache-2.0
// The configuration of history on disk.
#include <chrono>
#include <string>

#include "gtest/gtest.h"
#include "tests/unit/config/resolve_testing.h"

namespace kchan::config {
namespace {

using testing::FromText;
using testing::WrongField;

TEST(ResolveSpoolTest, ThereIsNoneByDefault) {
  const auto config = FromText(R"(channels { glob: "*" })");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_FALSE(config->spool);
  EXPECT_FALSE(config->channels[0].spool);
}

TEST(ResolveSpoolTest, DefaultsAreFilledIn) {
  const auto config = FromText(R"(
    spool { directory: "/var/lib/kchand/spool/" }
    channels { glob: "exec" spool {} }
  )");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->spool->directory, "/var/lib/kchand/spool");
  EXPECT_EQ(config->spool->max_total_bytes, 4ull << 30);
  EXPECT_EQ(config->spool->max_read_bytes, 16ull << 20);
  EXPECT_EQ(config->channels[0].spool, spool::SpoolLimits());
}

TEST(ResolveSpoolTest, WhatIsGivenHolds) {
  const auto config = FromText(R"(
    spool { directory: "/srv" max_total_bytes: 2097152 max_read_bytes: 1048576 }
    channels { glob: "exec" spool { max_bytes: 1048576 max_age_seconds: 60 fsync: FSYNC_EACH } }
  )");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->spool->max_total_bytes, 2097152u);
  const spool::SpoolLimits& limits = *config->channels[0].spool;
  EXPECT_EQ(limits.max_bytes, 1048576u);
  EXPECT_EQ(limits.max_age, std::chrono::seconds(60));
  EXPECT_EQ(limits.fsync, spool::Fsync::kEach);
}

TEST(ResolveSpoolTest, MistakesNameTheirField) {
  EXPECT_EQ(WrongField("spool {}"), "spool.directory");
  EXPECT_EQ(WrongField(R"(spool { directory: "here" })"), "spool.directory");
  EXPECT_EQ(WrongField(R"(spool { directory: "/" })"), "spool.directory");
  EXPECT_EQ(WrongField(R"(spool { directory: "/a" max_total_bytes: 1 })"), "spool.max_total_bytes");
  EXPECT_EQ(WrongField(R"(channels { glob: "*" spool {} })"), "channels[0].spool");
  EXPECT_EQ(
      WrongField(R"(spool { directory: "/a" } channels { glob: "*" spool { max_bytes: 1 } })"),
      "channels[0].spool.max_bytes");
  EXPECT_EQ(WrongField(R"(spool { directory: "/a" } channels { glob: "*" spool { fsync: 9 } })"),
            "channels[0].spool.fsync");
}

}  // namespace
}  // namespace kchan::config
