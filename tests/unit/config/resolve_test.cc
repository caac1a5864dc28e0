// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <variant>

#include "gtest/gtest.h"
#include "tests/unit/config/resolve_testing.h"

namespace kchan::config {
namespace {

using testing::FromText;
using testing::WrongField;

TEST(ResolveTest, DefaultsListenOnTwoLocalSocketsOnly) {
  const auto config = FromText("");
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_EQ(config->server.listeners.size(), 2u);
  const auto& read = std::get<rpc::UnixListener>(config->server.listeners[0].where);
  EXPECT_EQ(read.path, "/run/kchan/read.sock");
  EXPECT_EQ(read.mode, 0660u);
  EXPECT_EQ(config->server.listeners[0].right, rpc::Right::kRead);
  EXPECT_EQ(config->server.listeners[1].right, rpc::Right::kControl);
  EXPECT_FALSE(config->server.node.name.empty());
}

TEST(ResolveTest, ThreadsAreAsManyAndWhereTheFileSays) {
  const auto usual = FromText("");
  ASSERT_TRUE(usual.ok()) << usual.status();
  EXPECT_GE(usual->server.serving_threads, 1u);
  EXPECT_LE(usual->server.serving_threads, 8u);
  EXPECT_FALSE(usual->server.cpus);
  EXPECT_FALSE(usual->source_cpus);

  const auto own = FromText(R"(threads { serving: 3 serving_cpus: "0" source_cpus: "0" })");
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_EQ(own->server.serving_threads, 3u);
  EXPECT_EQ(own->server.cpus, *hub::Cpus::Parse("0"));
  EXPECT_EQ(own->source_cpus, *hub::Cpus::Parse("0"));
  // A thread for every four CPUs that it may use.
  EXPECT_EQ(FromText(R"(threads { serving_cpus: "0" })")->server.serving_threads, 1u);

  EXPECT_EQ(WrongField("threads { serving: 0 }"), "threads.serving");
  EXPECT_EQ(WrongField(R"(threads { serving_cpus: "all" })"), "threads.serving_cpus");
  EXPECT_EQ(WrongField(R"(threads { source_cpus: "1023" })"), "threads.source_cpus");
}

TEST(ResolveTest, FilesOfTheKernelAreWhereTheFileSays) {
  EXPECT_EQ(FromText("")->link.file_directory, "/var/lib/kchand/files");
  EXPECT_EQ(FromText(R"(file_directory: "/srv/kchan")")->link.file_directory, "/srv/kchan");
  EXPECT_EQ(WrongField(R"(file_directory: "files")"), "file_directory");
}

TEST(ResolveTest, FilesOfTheKernelAreWrittenAsTheFileSays) {
  const source::FileWriting usual = FromText("")->link.file_writing;
  EXPECT_EQ(usual.rotate_bytes, 16u << 20);
  EXPECT_EQ(usual.max_bytes, 64u << 20);
  EXPECT_EQ(usual.sync, source::FileSync::kNone);

  const auto small = FromText(R"(file_writing {
    rotate_bytes: 65536 max_bytes: 131072 sync: FILE_SYNC_BYTES sync_bytes: 8192 })");
  ASSERT_TRUE(small.ok()) << small.status();
  EXPECT_EQ(small->link.file_writing.rotate_bytes, 65536u);
  EXPECT_EQ(small->link.file_writing.max_bytes, 131072u);
  EXPECT_EQ(small->link.file_writing.sync, source::FileSync::kBytes);
  EXPECT_EQ(small->link.file_writing.sync_bytes, 8192u);
  const auto by_bytes = FromText("file_writing { sync: FILE_SYNC_BYTES }");
  EXPECT_EQ(by_bytes->link.file_writing.sync_bytes, 1u << 20);
  const auto always = FromText("file_writing { sync: FILE_SYNC_ALWAYS }");
  EXPECT_EQ(always->link.file_writing.sync, source::FileSync::kAlways);
  // The bound follows where only the other is raised.
  const auto large = FromText("file_writing { rotate_bytes: 134217728 }");
  ASSERT_TRUE(large.ok()) << large.status();
  EXPECT_EQ(large->link.file_writing.max_bytes, 134217728u);
}

TEST(ResolveTest, FilesThatCannotBeWrittenSoAreMistakes) {
  EXPECT_EQ(WrongField("file_writing { rotate_bytes: 65535 }"), "file_writing.rotate_bytes");
  EXPECT_EQ(WrongField("file_writing { max_bytes: 131071 }"), "file_writing.max_bytes");
  EXPECT_EQ(WrongField("file_writing { max_bytes: 1048576 }"), "file_writing.max_bytes");
  EXPECT_EQ(WrongField("file_writing { sync: FILE_SYNC_BYTES sync_bytes: 0 }"),
            "file_writing.sync_bytes");
  EXPECT_EQ(WrongField("file_writing { sync_bytes: 65536 }"), "file_writing.sync_bytes");
}

TEST(ResolveTest, FirstRuleThatMatchesHolds) {
  const auto config = FromText(R"(
    memory { log_bytes: 2097152 }
    channels { glob: "ex*" open: OPEN_ALWAYS log_max_bytes: 4194304 }
    channels { glob: "*" idle_close_seconds: 7 }
  )");
  ASSERT_TRUE(config.ok()) << config.status();
  const ChannelRule* exec = config->FindRule("exec");
  ASSERT_NE(exec, nullptr);
  EXPECT_TRUE(exec->policy.always);
  EXPECT_EQ(exec->log.max_bytes, 4u << 20);
  const ChannelRule* tick = config->FindRule("tick");
  ASSERT_NE(tick, nullptr);
  EXPECT_FALSE(tick->policy.always);
  EXPECT_EQ(tick->policy.idle_close, absl::Seconds(7));
  EXPECT_EQ(tick->log.max_bytes, 2u << 20);
}

TEST(ResolveTest, ChannelWithoutARuleHasNone) {
  const auto config = FromText(R"(channels { glob: "ex*" })");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->FindRule("tick"), nullptr);
}

TEST(ResolveTest, InsecureTcpIsForLoopbackUnlessForced) {
  const auto listen = [](const std::string& address, const std::string& more) {
    return FromText("tcp_listeners { address: \"" + address + "\" " + more + " }");
  };
  EXPECT_TRUE(listen("127.0.0.1:50051", "insecure: true").ok());
  EXPECT_TRUE(listen("127.1.2.3:50051", "insecure: true").ok());
  EXPECT_TRUE(listen("[::1]:50051", "insecure: true").ok());
  EXPECT_TRUE(listen("localhost:0", "insecure: true").ok());
  for (const char* remote : {"0.0.0.0:50051", "10.1.2.3:1", "[::]:50051", "example.org:50051"}) {
    EXPECT_FALSE(listen(remote, "insecure: true").ok()) << remote;
    EXPECT_TRUE(listen(remote, "insecure: true allow_remote_insecure: true").ok()) << remote;
  }
}

TEST(ResolveTest, TcpNeedsEitherTlsOrInsecure) {
  const std::string tls = R"(tls { certificate_file: "c" key_file: "k" client_ca_file: "a" })";
  EXPECT_TRUE(FromText(R"(tcp_listeners { address: "0.0.0.0:1" )" + tls + "}").ok());
  EXPECT_EQ(WrongField(R"(tcp_listeners { address: "127.0.0.1:1" })"), "tcp_listeners[0]");
  EXPECT_EQ(WrongField(R"(tcp_listeners { address: "127.0.0.1:1" insecure: true )" + tls + "}"),
            "tcp_listeners[0]");
}

TEST(ResolveTest, TlsVerifiesClientsUnlessToldNotTo) {
  const auto tls = [](const std::string& more) {
    return R"(tcp_listeners { address: "0.0.0.0:1" tls { certificate_file: "c" key_file: "k" )" +
           more + "}}";
  };
  EXPECT_EQ(WrongField(tls("")), "tcp_listeners[0].tls.client_ca_file");
  EXPECT_EQ(WrongField(tls("client_ca_file: \"a\" allow_any_client: true")),
            "tcp_listeners[0].tls.client_ca_file");
  EXPECT_TRUE(FromText(tls("allow_any_client: true")).ok());
}

TEST(ResolveTest, WrongValueIsNamedByItsField) {
  EXPECT_EQ(WrongField("drain_timeout_ms: 1"), "drain_timeout_ms");
  EXPECT_EQ(WrongField("memory { log_bytes: 5 }"), "memory.log_bytes");
  EXPECT_EQ(WrongField("memory { max_log_bytes: 1048576 }"), "memory.log_bytes");
  EXPECT_EQ(WrongField("memory { max_pinned_bytes: 0 }"), "memory.max_pinned_bytes");
  EXPECT_EQ(WrongField("limits { max_connections: 0 }"), "limits.max_connections");
  EXPECT_EQ(WrongField("limits { max_subscriptions: 0 }"), "limits.max_subscriptions");
  EXPECT_EQ(WrongField("limits { max_request_bytes: 1 }"), "limits.max_request_bytes");
  EXPECT_EQ(WrongField("unix_sockets { read { mode: 01777 } }"), "unix_sockets.read.mode");
  EXPECT_EQ(WrongField("unix_sockets { directory: \"run\" }"), "unix_sockets.directory");
  EXPECT_EQ(WrongField("unix_sockets { directory: \"\" }"), "tcp_listeners");
  EXPECT_EQ(WrongField("logging { level: 9 }"), "logging.level");
  EXPECT_EQ(WrongField(R"(channels { glob: "a" } channels { glob: "[" })"), "channels[1].glob");
  EXPECT_EQ(WrongField(R"(channels { glob: "a" open: 7 })"), "channels[0].open");
  EXPECT_EQ(WrongField(R"(channels { glob: "a" log_max_bytes: 9 })"), "channels[0].log_max_bytes");
  for (const char* address : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "::1:5", ":5"}) {
    EXPECT_EQ(
        WrongField("tcp_listeners { insecure: true address: \"" + std::string(address) + "\" }"),
        "tcp_listeners[0].address")
        << address;
  }
}

TEST(ResolveTest, RightsAreReadUnlessControlIsAsked) {
  const auto config = FromText(R"(
    tcp_listeners { address: "127.0.0.1:1" insecure: true }
    tcp_listeners { address: "127.0.0.1:2" insecure: true right: RIGHT_CONTROL }
  )");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server.listeners[2].right, rpc::Right::kRead);
  EXPECT_EQ(config->server.listeners[3].right, rpc::Right::kControl);
}

TEST(ResolveTest, NetlinkIsReadByAllAndWrittenByNobodyUnlessOpened) {
  const netlink::NetlinkOptions usual = FromText("")->netlink;
  EXPECT_TRUE(usual.enabled);
  EXPECT_EQ(usual.read, std::vector<std::string>{"*"});
  EXPECT_TRUE(usual.privileged.empty());
  EXPECT_TRUE(usual.network_namespaces.empty());
  EXPECT_FALSE(usual.route);

  const auto config = FromText(R"(
    classic_netlink_protocols: "route"
    netlink {
      read: "netdev" privileged: "ethtool:rings-set"
      network_namespaces { name: "blue" path: "/run/netns/blue" }
      spec_directories: "/srv/specs" receive_bytes: 65536 request_timeout_ms: 500
    })");
  ASSERT_TRUE(config.ok()) << config.status();
  const netlink::NetlinkOptions& set = config->netlink;
  EXPECT_EQ(set.read, std::vector<std::string>{"netdev"});
  EXPECT_EQ(set.privileged, std::vector<std::string>{"ethtool:rings-set"});
  EXPECT_EQ(set.network_namespaces.at("blue"), "/run/netns/blue");
  EXPECT_EQ(set.spec_directories, std::vector<std::string>{"/srv/specs"});
  EXPECT_EQ(set.receive_bytes, 65536);
  EXPECT_EQ(set.request_timeout, absl::Milliseconds(500));
  EXPECT_TRUE(set.route);
}

TEST(ResolveTest, WrongNetlinkIsNamedByItsField) {
  const auto in_netlink = [](const std::string& text) {
    return WrongField("netlink { " + text + " }");
  };
  EXPECT_EQ(in_netlink(R"(read: "a" read: "eth[")"), "netlink.read[1]");
  EXPECT_EQ(in_netlink(R"(privileged: "ethtool:")"), "netlink.privileged[0]");
  EXPECT_EQ(in_netlink(R"(network_namespaces { name: "a/b" path: "/x" })"),
            "netlink.network_namespaces[0].name");
  EXPECT_EQ(in_netlink(R"(network_namespaces { name: "a" path: "x" })"),
            "netlink.network_namespaces[0].path");
  EXPECT_EQ(in_netlink(R"(network_namespaces { name: "a" path: "/x" }
                          network_namespaces { name: "a" path: "/y" })"),
            "netlink.network_namespaces[1].name");
  EXPECT_EQ(in_netlink(R"(spec_directories: "specs")"), "netlink.spec_directories[0]");
  EXPECT_EQ(in_netlink("receive_bytes: 1"), "netlink.receive_bytes");
  EXPECT_EQ(WrongField(R"(classic_netlink_protocols: ["kobject_uevent", "xfrm"])"),
            "classic_netlink_protocols[1]");
}

}  // namespace
}  // namespace kchan::config
