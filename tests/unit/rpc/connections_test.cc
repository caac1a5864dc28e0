// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/connections.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "bridge/source/unique_fd.h"
#include "gtest/gtest.h"

namespace kchan::rpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// One end of a connection whose other end nobody needs.
source::UniqueFd Connection() {
  std::array<int, 2> ends{};
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  close(ends[1]);
  return source::UniqueFd(ends[0]);
}

TEST(ConnectionsTest, AsManyAsTheBoundHaveRoom) {
  const steady_clock::time_point now = steady_clock::now();
  Connections connections(2);
  const source::UniqueFd first = Connection();
  const source::UniqueFd second = Connection();
  EXPECT_TRUE(connections.HasRoom(now));
  EXPECT_TRUE(connections.Add(first.get()));
  EXPECT_TRUE(connections.HasRoom(now));
  EXPECT_TRUE(connections.Add(second.get()));
  EXPECT_FALSE(connections.HasRoom(now));
  EXPECT_EQ(connections.Count(), 2u);
}

TEST(ConnectionsTest, OneThatEndedMakesRoom) {
  const steady_clock::time_point now = steady_clock::now();
  Connections connections(1);
  source::UniqueFd connection = Connection();
  ASSERT_TRUE(connections.Add(connection.get()));
  EXPECT_FALSE(connections.HasRoom(now));
  connection.Reset();
  EXPECT_FALSE(connections.HasRoom(now)) << "looks at all of them for each connection";
  EXPECT_TRUE(connections.HasRoom(now + milliseconds(10)));
  EXPECT_EQ(connections.Count(), 0u);
}

TEST(ConnectionsTest, DescriptorThatSomethingElseHasIsNoConnection) {
  Connections connections(9);
  source::UniqueFd of_a_socket = Connection();
  source::UniqueFd of_a_file = Connection();
  ASSERT_TRUE(connections.Add(of_a_socket.get()));
  ASSERT_TRUE(connections.Add(of_a_file.get()));
  ASSERT_EQ(dup2(Connection().get(), of_a_socket.get()), of_a_socket.get());
  const source::UniqueFd file(open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(dup2(file.get(), of_a_file.get()), of_a_file.get());
  EXPECT_EQ(connections.Count(), 0u);
}

TEST(ConnectionsTest, DescriptorUsedAgainIsCountedOnce) {
  Connections connections(9);
  const source::UniqueFd connection = Connection();
  ASSERT_TRUE(connections.Add(connection.get()));
  ASSERT_EQ(dup2(Connection().get(), connection.get()), connection.get());
  ASSERT_TRUE(connections.Add(connection.get()));
  EXPECT_EQ(connections.Count(), 1u);
}

TEST(ConnectionsTest, WhatIsNoSocketIsNotCounted) {
  Connections connections(9);
  const source::UniqueFd file(open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(connections.Add(file.get()));
  EXPECT_EQ(connections.Count(), 0u);
}

}  // namespace
}  // namespace kchan::rpc
