// SPDX-License-Identifier: Apache-2.0
// How connections come in: the accept loop with a server that only keeps them.
#include "bridge/rpc/acceptor.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "bridge/rpc/passed_sockets.h"
#include "tests/component/raw_client.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

using source::UniqueFd;

// In gRPC's place: has what was accepted.
class Keeper final : public grpc::experimental::ExternalConnectionAcceptor {
 public:
  struct Kept {
    std::mutex mutex;
    std::vector<UniqueFd> connections;
  };

  explicit Keeper(std::shared_ptr<Kept> kept) : kept_(std::move(kept)) {}

  void HandleNewConnection(NewConnectionParameters* connection) override {
    std::lock_guard lock(kept_->mutex);
    kept_->connections.emplace_back(connection->fd);
  }

 private:
  const std::shared_ptr<Kept> kept_;
};

// While it lives, no descriptor is left.
class NoDescriptors {
 public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit none = before_;
    none.rlim_cur = static_cast<rlim_t>(UniqueFd(dup(0)).get());  // all below are taken
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

class AcceptorTest : public ServerTest {
 protected:
  // A listener on loopback.
  rpc::Door TcpDoor() {
    auto none = rpc::PassedSockets::From({});
    auto sockets = rpc::ListeningSocket::Open(rpc::TcpListener{"127.0.0.1:0", {}}, *none);
    EXPECT_TRUE(sockets.ok()) << sockets.status();
    address_ = sockets->front().address().ToString();
    return {.address = address_,
            .sockets = *std::move(sockets),
            .server = std::make_unique<Keeper>(kept_)};
  }

  void StartAccepting(rpc::Door door, size_t max_connections = 9) {
    std::vector<rpc::Door> doors;
    doors.push_back(std::move(door));
    auto acceptor =
        rpc::Acceptor::Start(std::move(doors), max_connections, [this](const std::string& line) {
          std::lock_guard lock(kept_->mutex);
          warnings_.push_back(line);
        });
    ASSERT_TRUE(acceptor.ok()) << acceptor.status();
    acceptor_ = *std::move(acceptor);
  }

  size_t kept() {
    std::lock_guard lock(kept_->mutex);
    return kept_->connections.size();
  }
  std::vector<std::string> warnings() {
    std::lock_guard lock(kept_->mutex);
    return warnings_;
  }
  rpc::ConnectionCount count() const { return acceptor_->Count().at(0); }

  const std::shared_ptr<Keeper::Kept> kept_ = std::make_shared<Keeper::Kept>();
  std::string address_;
  std::vector<std::string> warnings_;  // guarded by kept_->mutex
  std::unique_ptr<rpc::Acceptor> acceptor_;
};

int OptionOf(int fd, int level, int option) {
  int value = -1;
  socklen_t size = sizeof(value);
  EXPECT_EQ(getsockopt(fd, level, option, &value, &size), 0);
  return value;
}

TEST_F(AcceptorTest, ConnectionHasWhatGrpcGivesItsOwn) {
  StartAccepting(TcpDoor());
  const RawClient client(address_);
  ASSERT_TRUE(Eventually([&] { return kept() == 1; }));
  const int fd = kept_->connections[0].get();
  EXPECT_EQ(OptionOf(fd, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(OptionOf(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 10'000);
  EXPECT_NE(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(AcceptorTest, ConnectionBeyondTheBoundIsClosedCountedAndToldOnce) {
  StartAccepting(TcpDoor(), 2);
  const RawClient first(address_);
  const RawClient second(address_);
  ASSERT_TRUE(Eventually([&] { return kept() == 2; }));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(RawClient(address_).AwaitsEnd());
  EXPECT_EQ(count().open, 2u);
  EXPECT_EQ(count().accepted, 2u);
  EXPECT_TRUE(Eventually([&] { return count().refused == 5; }));
  ASSERT_EQ(warnings().size(), 1u);
  EXPECT_EQ(warnings()[0], "listener " + address_ +
                               ": 2 connections are open, which is limits.max_connections: 1 more "
                               "refused");
}

TEST_F(AcceptorTest, OneThatEndsMakesRoomForTheNext) {
  StartAccepting(TcpDoor(), 1);
  const RawClient first(address_);
  ASSERT_TRUE(Eventually([&] { return kept() == 1; }));
  EXPECT_TRUE(RawClient(address_).AwaitsEnd());
  {
    std::lock_guard lock(kept_->mutex);
    kept_->connections.clear();
  }
  EXPECT_TRUE(Eventually([&] {
    const RawClient next(address_);
    return kept() == 1;
  }));
}

TEST_F(AcceptorTest, ClientsWaitWhileDescriptorsAreShortAndAreServedThen) {
  StartAccepting(TcpDoor());
  const RawClient first(address_);
  ASSERT_TRUE(Eventually([&] { return kept() == 1; }));
  RawClient waiting;
  {
    const NoDescriptors none;
    waiting.Connect(address_);
    ASSERT_TRUE(Eventually([&] { return count().failures >= 3; }));
    EXPECT_EQ(kept(), 1u);
  }
  EXPECT_TRUE(Eventually([&] { return kept() == 2; }));
  EXPECT_EQ(count().open, 2u);
  ASSERT_EQ(warnings().size(), 1u);
  EXPECT_EQ(warnings()[0], "listener " + address_ +
                               ": cannot accept connections: Too many open files (1 time); clients "
                               "wait until it can again");
}

TEST_F(AcceptorTest, ClientThatHasGoneBeforeItWasAcceptedIsNobodys) {
  rpc::Door door = TcpDoor();
  RawClient(address_).Reset();
  StartAccepting(std::move(door));
  ASSERT_TRUE(Eventually([&] { return count().failures == 1; }));
  const RawClient next(address_);
  ASSERT_TRUE(Eventually([&] { return kept() == 1; }));
  EXPECT_EQ(count().accepted, 1u);
  EXPECT_TRUE(warnings().empty());
}

// Whatever is wrong with a socket: its thread must not run in circles, nor leave others.
TEST_F(AcceptorTest, SocketThatIsNoneAnyMoreHoldsUpNoOther) {
  rpc::Door broken = TcpDoor();
  shutdown(broken.sockets[0].fd(), SHUT_RDWR);
  rpc::Door sound = TcpDoor();
  std::vector<rpc::Door> doors;
  doors.push_back(std::move(broken));
  doors.push_back(std::move(sound));
  auto acceptor = rpc::Acceptor::Start(std::move(doors), 9, nullptr);
  ASSERT_TRUE(acceptor.ok()) << acceptor.status();
  ASSERT_TRUE(Eventually([&] { return (*acceptor)->Count()[0].failures >= 3; }));
  const RawClient client(address_);
  EXPECT_TRUE(Eventually([&] { return kept() == 1; }));
  EXPECT_LT((*acceptor)->Count()[0].failures, 1000u);
}

TEST_F(AcceptorTest, StopClosesTheSocketsAndLeavesConnections) {
  StartAccepting(TcpDoor());
  const RawClient client(address_);
  ASSERT_TRUE(Eventually([&] { return kept() == 1; }));
  acceptor_->Stop();
  acceptor_->Stop();
  EXPECT_FALSE(RawClient::CanConnect(address_));
  EXPECT_EQ(count().open, 1u);
}

}  // namespace
}  // namespace kchan::testing
