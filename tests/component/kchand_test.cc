// SPDX-License-Identifier: Apache-2.0
// The daemon as a process: on this very kernel, whether or not it has the
// module.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>

#include "tests/component/kchand_testing.h"
#include "tests/component/reader.h"

namespace kchan::testing {
namespace {

TEST_F(KchandTest, ServesWithoutAnyKernelSideAndSaysWhoItIs) {
  Start({"--node-name", "here"});
  v1::Node node;
  const grpc::Status status = GetNode(node);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(node.name(), "here");
  EXPECT_EQ(node.boot_id().size(), 36u);
  EXPECT_EQ(node.daemon_abi(), "1.0");
  EXPECT_FALSE(node.kernel_release().empty());
}

TEST_F(KchandTest, TermEndsStreamsWithUnavailableAndTheDaemonWell) {
  Start();
  const auto stub = v1::ChannelService::NewStub(channel_);
  // Not of this machine's kernel log: its lines come as they please.
  Reader reader(*stub, OpenOf("tick*"));
  ASSERT_TRUE(reader.Next()->has_hello());
  daemon_->Signal(SIGTERM);
  EXPECT_EQ(reader.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(daemon_->Wait(), 0) << daemon_->Said();
  EXPECT_FALSE(std::filesystem::exists(path("read.sock")));
}

TEST_F(KchandTest, KilledDaemonsSocketsAreTakenOver) {
  Start();
  daemon_->Signal(SIGKILL);
  EXPECT_EQ(daemon_->Wait(), -SIGKILL);
  EXPECT_TRUE(std::filesystem::exists(path("read.sock")));
  Start();
  v1::Node node;
  EXPECT_TRUE(GetNode(node).ok());
}

TEST_F(KchandTest, SecondDaemonOnTheSameSocketsGivesUpAndSaysWhy) {
  Start();
  const auto second = Run({});
  EXPECT_EQ(second->Wait(), 1);
  EXPECT_NE(second->Said().find("is another kchand running?"), std::string::npos) << second->Said();
  v1::Node node;
  EXPECT_TRUE(GetNode(node).ok());
}

TEST_F(KchandTest, HangUpReadsTheFileAgain) {
  Start();
  WriteConfig("logging { json: true }");
  daemon_->Signal(SIGHUP);
  EXPECT_TRUE(Says("\"level\":\"info\",\"message\":\"configuration read again")) << daemon_->Said();
}

TEST_F(KchandTest, WrongFileAtHangUpChangesNothing) {
  Start();
  WriteConfig("loging { json: true }");
  daemon_->Signal(SIGHUP);
  EXPECT_TRUE(Says("configuration not changed: " + path("config") + ":2:")) << daemon_->Said();
  v1::Node node;
  EXPECT_TRUE(GetNode(node).ok());
}

TEST_F(KchandTest, CheckConfigSaysWhatIsWrongAndStartsNothing) {
  EXPECT_EQ(Run({"--check-config"})->Wait(), 0);
  EXPECT_FALSE(std::filesystem::exists(path("read.sock")));
  WriteConfig("drain_timeout_ms: 1");
  const auto wrong = Run({"--check-config"});
  EXPECT_EQ(wrong->Wait(), 2);
  EXPECT_NE(wrong->Said().find(path("config") + ":2:1: drain_timeout_ms: 1 is out of range"),
            std::string::npos)
      << wrong->Said();
}

TEST_F(KchandTest, InsecureListenerIsWarnedOf) {
  Start({"--listen-tcp", "127.0.0.1:0", "--insecure"});
  EXPECT_NE(daemon_->Said().find("INSECURE"), std::string::npos);
}

TEST_F(KchandTest, ServiceManagerIsToldOfEachState) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path("notify").c_str(), sizeof(address.sun_path) - 1);
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  const auto told = [fd] {
    std::string text(256, '\0');
    const ssize_t size = recv(fd, text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<size_t>(size) : 0);
    return text;
  };
  Start({}, {{"NOTIFY_SOCKET", path("notify")}});
  EXPECT_EQ(told(), "READY=1");
  daemon_->Signal(SIGHUP);
  EXPECT_EQ(told().rfind("RELOADING=1\nMONOTONIC_USEC=", 0), 0u);
  EXPECT_EQ(told(), "READY=1");
  daemon_->Signal(SIGTERM);
  EXPECT_EQ(told(), "STOPPING=1");
  close(fd);
}

// A line of /proc/PID/task/TID/status of every thread, once each.
std::set<std::string> ThreadsSay(pid_t pid, const std::string& name) {
  std::set<std::string> values;
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    std::ifstream status(task.path() / "status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with(name + ":\t")) values.insert(line.substr(name.size() + 2));
    }
  }
  return values;
}

// The capabilities as a set of bits, the same in all threads.
uint64_t CapabilitiesOf(pid_t pid, const std::string& set) {
  const std::set<std::string> values = ThreadsSay(pid, set);
  EXPECT_EQ(values.size(), 1u);
  return values.empty() ? UINT64_MAX : std::stoull(*values.begin(), nullptr, 16);
}

constexpr uint64_t kNetAdminAndSyslog = uint64_t{1} << 12 | uint64_t{1} << 34;

TEST_F(KchandTest, KeepsNoCapabilityThatNothingNeedsInAnyThread) {
  Start();
  for (const char* set : {"CapEff", "CapPrm", "CapInh", "CapAmb"}) {
    EXPECT_EQ(CapabilitiesOf(daemon_->pid(), set) & ~kNetAdminAndSyslog, 0u) << set;
  }
  EXPECT_EQ(ThreadsSay(daemon_->pid(), "NoNewPrivs"), std::set<std::string>{"1"});
}

TEST_F(KchandTest, FiltersTheSystemCallsOfAllThreads) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "a build with sanitizers has no such filter";
#endif
  Start();
  EXPECT_EQ(ThreadsSay(daemon_->pid(), "Seccomp"), std::set<std::string>{"2"});
}

TEST_F(KchandTest, FeatureKeepsTheCapabilityThatItNeeds) {
  WriteConfig(
      "kernel_log { disabled: true }\n"
      "netlink { network_namespaces { name: \"init\" path: \"/proc/1/ns/net\" } }\n");
  Start();
  const uint64_t kept = uint64_t{1} << 12 | uint64_t{1} << 21;  // NET_ADMIN, SYS_ADMIN
  EXPECT_EQ(CapabilitiesOf(daemon_->pid(), "CapPrm") & ~kept, 0u);
  if (CapabilitiesOf(getpid(), "CapPrm") >> 21 & 1) {
    EXPECT_EQ(CapabilitiesOf(daemon_->pid(), "CapPrm") >> 21 & 1, 1u);
  }
}

TEST_F(KchandTest, KeepsWhatItHasIfTold) {
  WriteConfig("confinement { keep_capabilities: true any_system_call: true }\n");
  Start();
  EXPECT_EQ(CapabilitiesOf(daemon_->pid(), "CapPrm"), CapabilitiesOf(getpid(), "CapPrm"));
  EXPECT_EQ(ThreadsSay(daemon_->pid(), "Seccomp"), ThreadsSay(getpid(), "Seccomp"));
}

}  // namespace
}  // namespace kchan::testing
