// SPDX-License-Identifier: Apache-2.0
// Sockets against the generic netlink of the kernel that runs the test, in a
// network namespace of its own.
#include <gtest/gtest.h>
#include <linux/ethtool_netlink.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "bridge/hub/hub.h"
#include "bridge/netlink/genl_family.h"
#include "bridge/netlink/genl_socket.h"
#include "bridge/source/kernel_side.h"

namespace kchan::testing {
namespace {

using netlink::FindFamily;
using netlink::FindLoadedFamily;
using netlink::GenlFamily;
using netlink::GenlMessage;
using netlink::GenlMulticast;
using netlink::GenlRequest;
using netlink::GenlSocket;
using netlink::NetlinkSocket;
using source::KernelSide;

// linux/netdev.h, which Debian 12's headers do not have yet.
constexpr char kNetdevFamily[] = "netdev";
constexpr char kNetdevGroup[] = "mgmt";
constexpr uint8_t kNetdevAdded = 2;

constexpr auto kIgnore = [](const GenlMessage&) { return absl::OkStatus(); };

// This thread, and what it starts, in a fresh network namespace.
bool EnterNamespace() {
  return unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
}

class GenetlinkTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_TRUE(EnterNamespace()) << "a network namespace is needed: " << std::strerror(errno);
  }

  // Each pair causes two additions in family netdev. They go with the namespace:
  // deleting takes the kernel long.
  static void AddPairs(int first, int count) {
    std::string lines;
    for (int i = first; i < first + count; ++i) {
      const std::string number = std::to_string(i);
      lines += "link add va" + number + " type veth peer name vb" + number + "\\n";
    }
    ASSERT_EQ(std::system(("printf '" + lines + "' | ip -batch -").c_str()), 0);
  }

  GenlFamily Family(const std::string& name) {
    const auto family = FindFamily(*socket_, name);
    EXPECT_TRUE(family.ok()) << family.status();
    EXPECT_TRUE(family->has_value()) << "this kernel has no family " << name;
    return family->value_or(GenlFamily());
  }
  std::unique_ptr<GenlMulticast> JoinNetdev(int receive_bytes) {
    auto multicast = GenlMulticast::Open(receive_bytes).value();
    const auto group = Family(kNetdevFamily).FindGroup(kNetdevGroup);
    EXPECT_TRUE(group.ok()) << group.status();
    EXPECT_TRUE(multicast->Join(*group).ok());
    return multicast;
  }
  bool HasNetdev() { return FindFamily(*socket_, kNetdevFamily).value().has_value(); }
  // Everything that is queued; an overrun's messages are added to *lost.
  static int Count(GenlMulticast& multicast, uint64_t* lost) {
    int messages = 0;
    for (;;) {
      const auto read = multicast.Read(16, [&](const GenlMessage&) {
        ++messages;
        return absl::OkStatus();
      });
      EXPECT_TRUE(read.ok()) << read.status();
      if (!read.ok()) return messages;
      *lost += read->lost_messages;
      if (read->dry) return messages;
    }
  }

  std::unique_ptr<GenlSocket> socket_ = GenlSocket::Open().value();
};

TEST_F(GenetlinkTest, AFamilyIsFoundByNameAndInTheList) {
  const GenlFamily family = Family("nlctrl");
  EXPECT_EQ(family.id, GENL_ID_CTRL);
  EXPECT_TRUE(family.FindGroup("notify").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(family.FindGroup("no such group").status()));
  const auto listed = FindLoadedFamily(*socket_, "nlctrl");
  ASSERT_TRUE(listed.ok() && listed->has_value());
  EXPECT_EQ((*listed)->id, family.id);
  EXPECT_EQ((*listed)->groups, family.groups);
}

TEST_F(GenetlinkTest, AFamilyThatIsNotThereIsNoError) {
  EXPECT_FALSE(FindFamily(*socket_, "kchan_no_such").value().has_value());
  EXPECT_FALSE(FindLoadedFamily(*socket_, "kchan_no_such").value().has_value());
}

TEST_F(GenetlinkTest, TheKernelsWordsAndTheAttributeItMeansAreKept) {
  const GenlFamily ethtool = Family(ETHTOOL_GENL_NAME);
  GenlRequest request(ethtool.id, ETHTOOL_MSG_LINKINFO_GET, ETHTOOL_GENL_VERSION);
  nlattr* header = request.BeginNest(ETHTOOL_A_LINKINFO_HEADER);
  request.PutString(ETHTOOL_A_HEADER_DEV_NAME, "nosuchdevice");
  request.EndNest(header);
  const auto ack = socket_->Ask(request, kIgnore);
  ASSERT_TRUE(ack.ok()) << ack.status();
  EXPECT_EQ(ack->error, ENODEV);
  EXPECT_EQ(ack->message, "no device matches name");
  EXPECT_EQ(ack->bad_attribute, uint16_t{ETHTOOL_A_LINKINFO_HEADER});
}

TEST_F(GenetlinkTest, AnOperationThatDoesNotExistIsTheKernelsError) {
  GenlRequest request(GENL_ID_CTRL, 99, 2);
  const auto ack = socket_->Ask(request, kIgnore);
  ASSERT_TRUE(ack.ok()) << ack.status();
  EXPECT_EQ(ack->error, EOPNOTSUPP);
  EXPECT_TRUE(absl::IsUnimplemented(AckStatus(*ack, "x", [](uint16_t) { return ""; })));
}

TEST_F(GenetlinkTest, AfterAGivenUpReplyTheNextOneIsRight) {
  GenlRequest list(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 2, NLM_F_DUMP);
  const auto given_up =
      socket_->Ask(list, [](const GenlMessage&) { return absl::CancelledError("enough"); });
  EXPECT_TRUE(absl::IsCancelled(given_up.status()));
  // Its other replies are still on their way.
  EXPECT_EQ(Family("nlctrl").id, GENL_ID_CTRL);
}

TEST_F(GenetlinkTest, EachMulticastMessageArrives) {
  if (!HasNetdev()) GTEST_SKIP() << "this kernel, before 6.3, has no family netdev";
  auto multicast = JoinNetdev(1 << 20);
  AddPairs(0, 2);
  std::vector<uint8_t> commands;
  const auto read = multicast->Read(64, [&](const GenlMessage& message) {
    commands.push_back(message.command);
    return absl::OkStatus();
  });
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(read->dry);
  EXPECT_FALSE(read->overrun);
  EXPECT_EQ(std::count(commands.begin(), commands.end(), kNetdevAdded), 4);
}

TEST_F(GenetlinkTest, AnOverrunIsCountedExactly) {
  if (!HasNetdev()) GTEST_SKIP() << "this kernel, before 6.3, has no family netdev";
  auto small = JoinNetdev(2048);
  auto large = JoinNetdev(8 << 20);
  uint64_t lost = 0;
  uint64_t none = 0;
  int expected = 0;
  int received = 0;
  for (int round = 0; round < 3; ++round) {
    AddPairs(10 * (round + 1), 8);
    expected += Count(*large, &none);
    received += Count(*small, &lost);
  }
  EXPECT_EQ(none, 0u);
  EXPECT_GT(lost, 0u);
  EXPECT_EQ(received + lost, static_cast<uint64_t>(expected));
}

TEST_F(GenetlinkTest, WhatAnotherProcessSendsIsNotHeard) {
  auto socket = NetlinkSocket::Open(1 << 20).value();
  sockaddr_nl ours{};
  socklen_t length = sizeof(ours);
  ASSERT_EQ(getsockname(socket->fd(), reinterpret_cast<sockaddr*>(&ours), &length), 0);
  const int other = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
  ASSERT_GE(other, 0);
  GenlRequest forged(GENL_ID_CTRL, CTRL_CMD_NEWFAMILY, 2);
  const auto bytes = forged.bytes();
  // Generic netlink lets root send to another process.
  EXPECT_EQ(sendto(other, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&ours),
                   sizeof(ours)),
            static_cast<ssize_t>(bytes.size()))
      << std::strerror(errno);
  close(other);
  EXPECT_EQ(socket->Receive(absl::ZeroDuration()).value(), NetlinkSocket::Received::kNothing);
}

TEST_F(GenetlinkTest, WithoutTheModuleTheKernelSideIsAbsentAndSaysWhatToDo) {
  ASSERT_FALSE(FindFamily(*socket_, KCHAN_GENL_NAME).value().has_value())
      << "this test is about a machine without kchan.ko";
  hub::Hub hub({}, [](std::string_view) { return hub::LogLimits(); });
  auto kernel_side = KernelSide::Start(hub, {});
  ASSERT_TRUE(kernel_side.ok()) << kernel_side.status();
  const hub::KernelSideStatus status = hub.kernel_side();
  EXPECT_EQ(status.state, hub::KernelSideState::kAbsent);
  EXPECT_EQ(status.module_version, "");
  ASSERT_EQ(status.problems.size(), 1u);
  EXPECT_NE(status.problems[0].remedy.find("modprobe"), std::string::npos);
  const hub::KernelAnswer answer = (*kernel_side)->Publish("echo", 1, {});
  EXPECT_TRUE(absl::IsFailedPrecondition(answer.status)) << answer.status;
  EXPECT_EQ((*kernel_side)->Update("echo", {}).status, answer.status);
}

}  // namespace
}  // namespace kchan::testing
