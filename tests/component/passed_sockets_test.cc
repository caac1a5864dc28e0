// SPDX-License-Identifier: Apache-2.0
// Sockets that somebody else made: systemd does.
#include "bridge/rpc/passed_sockets.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bridge/rpc/socket_address.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "tests/component/raw_client.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

using source::UniqueFd;

class PassedSocketsTest : public ServerTest {
 protected:
  PassedSocketsTest()
      : lonely_(hub::HubLimits(), [](std::string_view) { return hub::LogLimits(); }) {}

  std::string path() const { return directory() + "/passed.sock"; }

  static UniqueFd Bound(const rpc::SocketAddress& address, int type = SOCK_STREAM) {
    UniqueFd fd(socket(address.family(), type | SOCK_CLOEXEC, 0));
    EXPECT_EQ(bind(fd.get(), address.get(), address.size()), 0);
    return fd;
  }
  static UniqueFd Listening(const rpc::SocketAddress& address) {
    UniqueFd fd = Bound(address);
    EXPECT_EQ(listen(fd.get(), 9), 0);
    return fd;
  }
  UniqueFd ListeningAtPath() const { return Listening(rpc::SocketAddress::OfUnix(path())); }

  // A server with this listener that is passed `fd`, which the caller keeps, too.
  absl::StatusOr<std::unique_ptr<rpc::Server>> Serve(const rpc::Listener& listener, int fd) {
    rpc::ServerOptions options = options_;
    options.listeners = {listener};
    std::vector<rpc::PassedSocket> passed;
    passed.push_back({UniqueFd(dup(fd)), "kchand-test.socket"});
    return rpc::Server::Start(lonely_, options, nullptr, std::move(passed));
  }
  absl::StatusOr<std::unique_ptr<rpc::Server>> ServePath(int fd) {
    return Serve({rpc::UnixListener{path(), 0640, ""}, rpc::Right::kRead}, fd);
  }

  // Answered, sooner or later.
  static bool IsServed(const std::string& address) {
    const auto stub =
        v1::NodeService::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    context.set_wait_for_ready(true);
    v1::GetNodeResponse response;
    return stub->GetNode(&context, {}, &response).ok();
  }

 private:
  hub::Hub lonely_;
};

TEST_F(PassedSocketsTest, ListenerUsesTheOneWithItsPathAndLeavesItThere) {
  const UniqueFd socket = ListeningAtPath();
  ASSERT_EQ(chmod(path().c_str(), 0604), 0);
  const auto server = ServePath(socket.get());
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_TRUE(IsServed("unix:" + path()));
  struct stat stat {};
  ASSERT_EQ(lstat(path().c_str(), &stat), 0);
  EXPECT_EQ(stat.st_mode & 07777, 0604u) << "its mode is its maker's";
  (*server)->Shutdown();
  EXPECT_TRUE(std::filesystem::exists(path()));
}

TEST_F(PassedSocketsTest, ClientThatComesBetweenTwoServersIsServedByTheSecond) {
  const UniqueFd socket = ListeningAtPath();
  {
    const auto first = ServePath(socket.get());
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_TRUE(IsServed("unix:" + path()));
  }
  const RawClient waiting("unix:" + path());
  const auto second = ServePath(socket.get());
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_TRUE(Eventually([&] { return (*second)->connections()[0].accepted == 1; }));
}

TEST_F(PassedSocketsTest, TcpListenerUsesTheOneWithItsAddress) {
  const UniqueFd socket = Listening(rpc::SocketAddress::Resolve("127.0.0.1:0").value().front());
  const std::string address = rpc::SocketAddress::Of(socket.get()).value().ToString();
  const auto server = Serve({rpc::TcpListener{address, {}}, rpc::Right::kRead}, socket.get());
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ((*server)->addresses(), std::vector<std::string>{address});
  EXPECT_TRUE(IsServed(address));
}

TEST_F(PassedSocketsTest, OneOfNoListenerIsNamed) {
  const UniqueFd socket = Listening(rpc::SocketAddress::OfUnix(directory() + "/other.sock"));
  const auto server = ServePath(socket.get());
  EXPECT_TRUE(absl::IsInvalidArgument(server.status())) << server.status();
  EXPECT_NE(server.status().message().find(
                "passed socket kchand-test.socket listens on unix:" + directory() + "/other.sock"),
            std::string::npos)
      << server.status();
  EXPECT_FALSE(std::filesystem::exists(path())) << "nothing is left behind";
  EXPECT_TRUE(std::filesystem::exists(directory() + "/other.sock"));
}

TEST_F(PassedSocketsTest, OneThatDoesNotListenIsRefused) {
  const rpc::SocketAddress address = rpc::SocketAddress::OfUnix(path());
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    std::filesystem::remove(path());
    const auto server = ServePath(Bound(address, type).get());
    EXPECT_TRUE(absl::IsFailedPrecondition(server.status())) << server.status();
  }
  const auto server = ServePath(UniqueFd(dup(0)).get());
  EXPECT_TRUE(absl::IsFailedPrecondition(server.status())) << server.status();
}

}  // namespace
}  // namespace kchan::testing
