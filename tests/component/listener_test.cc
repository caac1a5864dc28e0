// SPDX-License-Identifier: Apache-2.0
// Where the server listens, and who may connect.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>

#include "bridge/rpc/socket_address.h"
#include "bridge/rpc/unix_socket.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "tests/component/raw_client.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

namespace fs = std::filesystem;

mode_t ModeOf(const std::string& path) {
  struct stat stat {};
  EXPECT_EQ(lstat(path.c_str(), &stat), 0) << path;
  return stat.st_mode & 07777;
}

// Leaves a socket behind that nobody listens on.
void MakeStaleSocket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  close(fd);
}

class ListenerTest : public ServerTest {
 protected:
  ListenerTest() : lonely_(hub::HubLimits(), [](std::string_view) { return hub::LogLimits(); }) {}

  std::string path(const std::string& name) const { return directory() + "/" + name; }

  // Another server, with this listener only.
  absl::StatusOr<std::unique_ptr<rpc::Server>> Listen(const rpc::Listener& listener) {
    rpc::ServerOptions options = options_;
    options.listeners = {listener};
    return rpc::Server::Start(lonely_, options);
  }
  absl::StatusOr<std::unique_ptr<rpc::Server>> ListenUnix(const std::string& at,
                                                          const std::string& group = "") {
    return Listen({rpc::UnixListener{at, 0640, group}, rpc::Right::kRead});
  }

 private:
  hub::Hub lonely_;
};

TEST_F(ListenerTest, SocketHasTheModeThatWasAsked) {
  const auto server = ListenUnix(path("a.sock"));
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(ModeOf(path("a.sock")), 0640u);
}

TEST_F(ListenerTest, MissingFolderIsMade) {
  const auto server = ListenUnix(path("run/a.sock"));
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(ModeOf(path("run")), 0755u);
}

TEST_F(ListenerTest, FolderThatOthersCanWriteIsRefused) {
  fs::create_directory(path("open"));
  fs::permissions(path("open"), fs::perms::all);
  const auto server = ListenUnix(path("open/a.sock"));
  EXPECT_EQ(server.status().code(), absl::StatusCode::kFailedPrecondition) << server.status();
}

TEST_F(ListenerTest, SocketOfALiveServerIsNotTaken) {
  const auto first = ListenUnix(path("a.sock"));
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = ListenUnix(path("a.sock"));
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists) << second.status();
  EXPECT_TRUE(fs::exists(path("a.sock")));
}

TEST_F(ListenerTest, StaleSocketIsReplaced) {
  MakeStaleSocket(path("a.sock"));
  const auto server = ListenUnix(path("a.sock"));
  EXPECT_TRUE(server.ok()) << server.status();
}

TEST_F(ListenerTest, FileThatIsNoSocketIsLeftAlone) {
  std::ofstream(path("a.sock")) << "precious";
  const auto server = ListenUnix(path("a.sock"));
  EXPECT_EQ(server.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(fs::file_size(path("a.sock")), 8u);
}

TEST_F(ListenerTest, RelativeOrTooLongPathIsInvalid) {
  EXPECT_TRUE(absl::IsInvalidArgument(ListenUnix("a.sock").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(ListenUnix("/" + std::string(200, 'a')).status()));
}

TEST_F(ListenerTest, UnknownGroupIsRefused) {
  const auto server = ListenUnix(path("a.sock"), "no-such-group-here");
  EXPECT_TRUE(absl::IsNotFound(server.status())) << server.status();
}

TEST_F(ListenerTest, ShutdownRemovesTheSocket) {
  Start();
  EXPECT_TRUE(fs::exists(path("read.sock")));
  server().Shutdown();
  EXPECT_FALSE(fs::exists(path("read.sock")));
}

TEST_F(ListenerTest, PortThatIsTakenIsRefused) {
  const auto first = Listen({rpc::TcpListener{"127.0.0.1:0", {}}, rpc::Right::kRead});
  ASSERT_TRUE(first.ok()) << first.status();
  const std::string address = (*first)->addresses()[0];
  EXPECT_NE(address, "127.0.0.1:0");
  const auto second = Listen({rpc::TcpListener{address, {}}, rpc::Right::kRead});
  EXPECT_TRUE(absl::IsUnavailable(second.status())) << second.status();
  EXPECT_NE(second.status().message().find("is another kchand running?"), std::string::npos)
      << second.status();
}

TEST_F(ListenerTest, AddressThatIsNotOfThisMachineIsRefused) {
  const auto server = Listen({rpc::TcpListener{"192.0.2.1:0", {}}, rpc::Right::kRead});
  EXPECT_TRUE(absl::IsUnavailable(server.status())) << server.status();
  EXPECT_NE(server.status().message().find("it is not an address of this machine"),
            std::string::npos)
      << server.status();
}

TEST_F(ListenerTest, NameThatDoesNotExistIsRefused) {
  const auto server = Listen({rpc::TcpListener{"no-such-host.invalid:0", {}}, rpc::Right::kRead});
  EXPECT_TRUE(absl::IsUnavailable(server.status())) << server.status();
}

TEST_F(ListenerTest, NameStandsForAllItsAddressesWithOnePort) {
  const auto server = Listen({rpc::TcpListener{"localhost:0", {}}, rpc::Right::kRead});
  ASSERT_TRUE(server.ok()) << server.status();
  const std::string address = (*server)->addresses()[0];
  const std::string port = address.substr(address.rfind(':'));
  EXPECT_EQ(address, "localhost" + port);
  const auto all = rpc::SocketAddress::Resolve(address);
  ASSERT_TRUE(all.ok()) << all.status();
  for (const rpc::SocketAddress& each : *all) {
    EXPECT_TRUE(RawClient::CanConnect(each.ToString())) << each.ToString();
  }
}

TEST_F(ListenerTest, EveryIpv6AddressIsEveryIpv4AddressTooAndNotTheOtherWayRound) {
  const auto every = Listen({rpc::TcpListener{"[::]:0", {}}, rpc::Right::kRead});
  ASSERT_TRUE(every.ok()) << every.status();
  const std::string address = (*every)->addresses()[0];
  RawClient client("127.0.0.1" + address.substr(address.rfind(':')));
  const auto ipv4 = Listen({rpc::TcpListener{"0.0.0.0:0", {}}, rpc::Right::kRead});
  ASSERT_TRUE(ipv4.ok()) << ipv4.status();
  const std::string ipv4_address = (*ipv4)->addresses()[0];
  EXPECT_FALSE(RawClient::CanConnect("[::1]" + ipv4_address.substr(ipv4_address.rfind(':'))));
}

TEST_F(ListenerTest, FullListenerLeavesOthersTheirConnections) {
  options_.limits.max_connections = 1;
  Start();
  const RawClient first("unix:" + path("read.sock"));
  EXPECT_TRUE(Eventually([&] { return server().connections()[0].open == 1; }));
  EXPECT_TRUE(RawClient("unix:" + path("read.sock")).AwaitsEnd());
  v1::UpdateChannelRequest request;
  request.set_name("tick");
  v1::UpdateChannelResponse response;
  grpc::ClientContext context;
  EXPECT_EQ(control_stub().UpdateChannel(&context, request, &response).error_code(),
            grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(server().connections()[0].refused, 1u);
  EXPECT_EQ(server().connections()[1].open, 1u);
}

TEST_F(ListenerTest, EndedConnectionsAreNotCounted) {
  Start();
  EXPECT_EQ(Status().node().boot_id(), Status().node().boot_id());  // one connection
  {
    const RawClient silent("unix:" + path("read.sock"));
    EXPECT_TRUE(Eventually([&] { return server().connections()[0].open == 2; }));
  }
  EXPECT_TRUE(Eventually([&] { return server().connections()[0].open == 1; }));
  EXPECT_EQ(server().connections()[0].accepted, 2u);
}

TEST_F(ListenerTest, ConnectionsThatComeWhileItEndsLeaveNoDescriptor) {
  const auto open_files = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  };
  const auto begin_and_end = [&] {
    auto server = Listen({rpc::TcpListener{"127.0.0.1:0", {}}, rpc::Right::kRead});
    ASSERT_TRUE(server.ok()) << server.status();
    const std::string address = (*server)->addresses()[0];
    std::thread clients([&] {
      while (RawClient::CanConnect(address)) {
      }
    });
    EXPECT_TRUE(Eventually([&] { return (*server)->connections()[0].accepted > 20; }));
    server->reset();
    clients.join();
  };
  begin_and_end();  // what gRPC keeps for itself is there then
  const auto before = open_files();
  for (int i = 0; i < 5; ++i) begin_and_end();
  EXPECT_TRUE(Eventually([&] { return open_files() <= before; }))
      << open_files() << " > " << before;
}

TEST_F(ListenerTest, TcpListenerHasItsOwnRight) {
  for (const rpc::Right right : {rpc::Right::kRead, rpc::Right::kControl}) {
    const auto server = Listen({rpc::TcpListener{"127.0.0.1:0", {}}, right});
    ASSERT_TRUE(server.ok()) << server.status();
    const auto stub = v1::ChannelService::NewStub(
        grpc::CreateChannel((*server)->addresses()[0], grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    v1::UpdateChannelRequest request;
    request.set_name("tick");
    v1::UpdateChannelResponse response;
    const grpc::Status status = stub->UpdateChannel(&context, request, &response);
    EXPECT_EQ(status.error_code(), right == rpc::Right::kControl
                                       ? grpc::StatusCode::NOT_FOUND
                                       : grpc::StatusCode::PERMISSION_DENIED);
  }
}

TEST_F(ListenerTest, UnreadableCertificateIsNamed) {
  const rpc::Tls tls{path("no-such.pem"), path("key.pem"), ""};
  const auto server = Listen({rpc::TcpListener{"127.0.0.1:0", tls}, rpc::Right::kRead});
  EXPECT_NE(server.status().message().find("no-such.pem"), std::string::npos) << server.status();
}

// The umask is the whole process': other threads make folders meanwhile.
TEST(PrivateUmaskTest, KeepsOthersOutAndNobodyOutOfTheirOwnFolders) {
  std::string folder = "/tmp/kchan-umask-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  {
    const rpc::PrivateUmask umask;
    ASSERT_EQ(mkdir((folder + "/made").c_str(), 0777), 0);
  }
  EXPECT_EQ(ModeOf(folder + "/made"), 0700u);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace kchan::testing
