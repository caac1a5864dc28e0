// SPDX-License-Identifier: Apache-2.0
#include "bridge/config/flags.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace kchan::config {
namespace {

std::optional<Flags> Parse(std::vector<std::string> words, int* exit_code) {
  words.insert(words.begin(), "kchand");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  return ParseFlags(static_cast<int>(argv.size()), argv.data(), "1.2.3", exit_code);
}

absl::StatusOr<Config> LoadWith(const std::vector<std::string>& words) {
  int exit_code = -1;
  const auto flags = Parse(words, &exit_code);
  if (!flags) return absl::InternalError("flags do not parse");
  return Load(*flags);
}

// Each test is a process of its own and many run at once: no two may share a
// file.
class FlagsTest : public ::testing::Test {
 protected:
  FlagsTest() : path_(absl::StrCat(::testing::TempDir(), "kchan-flags-", getpid(), ".textproto")) {}
  ~FlagsTest() override { std::remove(path_.c_str()); }

  void Write(const std::string& text) { std::ofstream(path_) << text; }

  const std::string path_;
};

TEST_F(FlagsTest, VersionAndHelpEndWellAndMistakesWith2) {
  int exit_code = -1;
  EXPECT_FALSE(Parse({"--version"}, &exit_code));
  EXPECT_EQ(exit_code, 0);
  EXPECT_FALSE(Parse({"--help"}, &exit_code));
  EXPECT_EQ(exit_code, 0);
  EXPECT_FALSE(Parse({"--no-such-flag"}, &exit_code));
  EXPECT_EQ(exit_code, 2);
  EXPECT_FALSE(Parse({"--log-level", "loud"}, &exit_code));
  EXPECT_EQ(exit_code, 2);
}

TEST_F(FlagsTest, FlagOverridesTheFile) {
  Write(R"(node_name: "file"
           unix_sockets { directory: "/file" }
           tcp_listeners { address: "127.0.0.1:1" insecure: true })");
  const auto config = LoadWith({"--config", path_, "--node-name", "flag", "--listen-unix-dir",
                                "/flag", "--listen-tcp", "127.0.0.1:2", "--insecure", "--tcp-right",
                                "control", "--log-level", "error", "--log-json"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server.node.name, "flag");
  EXPECT_EQ(config->logging.level, LogLevel::kError);
  EXPECT_TRUE(config->logging.json);
  ASSERT_EQ(config->server.listeners.size(), 3u);
  EXPECT_EQ(std::get<rpc::UnixListener>(config->server.listeners[0].where).path, "/flag/read.sock");
  EXPECT_EQ(std::get<rpc::TcpListener>(config->server.listeners[2].where).address, "127.0.0.1:2");
  EXPECT_EQ(config->server.listeners[2].right, rpc::Right::kControl);
}

TEST_F(FlagsTest, FileStaysWhereNoFlagIsGiven) {
  Write(R"(node_name: "file")");
  const auto config = LoadWith({"--config", path_});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server.node.name, "file");
}

TEST_F(FlagsTest, EmptyUnixDirMeansNoSockets) {
  const auto config =
      LoadWith({"--listen-unix-dir", "", "--listen-tcp", "127.0.0.1:1", "--insecure"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server.listeners.size(), 1u);
}

TEST_F(FlagsTest, FlagAboutTcpWithoutTcpIsAMistake) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"--insecure"}, {"--tcp-right", "read"}, {"--tls-key", "k"}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(LoadWith(words).status())) << words[0];
  }
}

TEST_F(FlagsTest, InsecureRemoteListenerIsRefusedByDefault) {
  EXPECT_FALSE(LoadWith({"--listen-tcp", "0.0.0.0:1", "--insecure"}).ok());
  EXPECT_TRUE(
      LoadWith({"--listen-tcp", "0.0.0.0:1", "--insecure", "--allow-remote-insecure"}).ok());
}

TEST_F(FlagsTest, WrongFileIsNamed) {
  Write("drain_timeout_ms: 1");
  const auto config = LoadWith({"--config", path_});
  EXPECT_EQ(config.status().message().find(path_ + ":1:1: drain_timeout_ms: "), 0u)
      << config.status();
}

TEST_F(FlagsTest, WrongFieldOfTheFileIsSaidWithItsLineAndColumn) {
  Write("node_name: \"a\"\nmemory {\n  log_bytes: 5\n}\n");
  const auto config = LoadWith({"--config", path_});
  EXPECT_EQ(config.status().message().find(path_ + ":3:3: memory.log_bytes: "), 0u)
      << config.status();
}

TEST_F(FlagsTest, WrongFlagIsNamedThoughThereIsAFile) {
  Write("tcp_listeners { address: \"127.0.0.1:1\" insecure: true }");
  const auto insecure =
      LoadWith({"--config", path_, "--listen-tcp", "0.0.0.0:1", "--insecure"}).status();
  EXPECT_EQ(insecure.message().find("--listen-tcp: tcp_listeners[0].insecure: "), 0u) << insecure;
  const auto relative = LoadWith({"--config", path_, "--listen-unix-dir", "run"}).status();
  EXPECT_EQ(relative.message().find("--listen-unix-dir: unix_sockets.directory: "), 0u) << relative;
}

TEST_F(FlagsTest, MistakeOfTheFileIsNotBlamedOnAFlag) {
  Write("tcp_listeners { address: \"127.0.0.1\" insecure: true }");
  const auto config = LoadWith({"--config", path_, "--listen-unix-dir", "/run/x"});
  EXPECT_EQ(config.status().message().find(path_ + ":1:17: tcp_listeners[0].address: "), 0u)
      << config.status();
}

}  // namespace
}  // namespace kchan::config
