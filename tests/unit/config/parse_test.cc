// SPDX-License-Identifier: Apache-2.0
#include "bridge/config/parse.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace kchan::config {
namespace {

std::string MessageOf(const std::string& text) {
  const auto config = ParseText(text, "kchan.textproto");
  EXPECT_TRUE(absl::IsInvalidArgument(config.status())) << text;
  return std::string(config.status().message());
}

TEST(ParseTest, EmptyTextMeansAllDefaults) {
  const auto config = ParseText("", "kchan.textproto");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->ByteSizeLong(), 0u);
}

TEST(ParseTest, MistakeIsNamedWithLineAndColumn) {
  EXPECT_EQ(MessageOf("node_name: \"a\"\n  colour: 3\n").substr(0, 21), "kchan.textproto:2:9: ");
  EXPECT_EQ(MessageOf("node_name: 7").substr(0, 22), "kchan.textproto:1:12: ");
  EXPECT_NE(MessageOf("logging { level: LOUD }").find("LOUD"), std::string::npos);
}

TEST(ParseTest, UnclosedBraceIsAMistake) {
  EXPECT_EQ(MessageOf("logging {\n").rfind("kchan.textproto:", 0), 0u);
}

TEST(ParseTest, ModesAreOctal) {
  const auto config = ParseText("unix_sockets { read { mode: 0640 } }", "kchan.textproto");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->unix_sockets().read().mode(), 0640u);
}

TEST(ParseTest, MissingFileIsNamed) {
  const auto config = ReadFile("/no/such/kchan.textproto");
  EXPECT_TRUE(absl::IsNotFound(config.status())) << config.status();
  EXPECT_NE(config.status().message().find("/no/such/kchan.textproto"), std::string::npos);
}

TEST(ParseTest, EmptyFileMeansAllDefaults) {
  const std::string path =
      absl::StrCat(::testing::TempDir(), "kchan-empty-", getpid(), ".textproto");
  std::ofstream(path).close();
  EXPECT_TRUE(ReadFile(path).ok()) << ReadFile(path).status();
  std::remove(path.c_str());
}

// The commented file that is installed shows every default: it must parse and
// change nothing.
TEST(ParseTest, ExampleIsTheDefaults) {
  const auto example = ReadFile(KCHAN_EXAMPLE_CONFIG);
  ASSERT_TRUE(example.ok()) << example.status();
  const auto resolved = Resolve(*example);
  ASSERT_TRUE(resolved.ok()) << resolved.status();
  const auto defaults = Resolve(v1::Config());
  ASSERT_TRUE(defaults.ok()) << defaults.status();
  EXPECT_EQ(resolved->log.max_bytes, defaults->log.max_bytes);
  EXPECT_EQ(resolved->hub.max_log_bytes, defaults->hub.max_log_bytes);
  EXPECT_EQ(resolved->hub.max_pinned_bytes, defaults->hub.max_pinned_bytes);
  EXPECT_EQ(resolved->hub.max_channels, defaults->hub.max_channels);
  EXPECT_EQ(resolved->server.limits.max_connections, defaults->server.limits.max_connections);
  EXPECT_EQ(resolved->server.limits.max_subscriptions, defaults->server.limits.max_subscriptions);
  EXPECT_EQ(resolved->server.limits.max_request_bytes, defaults->server.limits.max_request_bytes);
  EXPECT_EQ(resolved->server.drain_timeout, defaults->server.drain_timeout);
  EXPECT_EQ(resolved->server.listeners.size(), defaults->server.listeners.size());
}

}  // namespace
}  // namespace kchan::config
