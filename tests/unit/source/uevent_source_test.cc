// SPDX-License-Identifier: Apache-2.0
// Kobject uevents of the kernel that runs the test, in a network namespace of
// its own: those of its devices come to nobody else, and no others come here.
#include "bridge/source/uevent_source.h"

#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bridge/source/unique_fd.h"
#include "tests/unit/hub/log_testing.h"
#include "tests/unit/source/source_testing.h"

namespace kchan::testing {
namespace {

using hub::LossStage;
using hub::testing::LostNumbers;
using hub::testing::Range;
using hub::testing::RecordNumbers;
using hub::testing::Seen;
using source::UeventPayload;
using source::UeventSource;
using std::string_view_literals::operator""sv;

constexpr int kRoomy = 4 << 20;
constexpr int kTiny = 2048;  // the kernel doubles it, and makes it 2304 at least

// This process, in a namespace with a loopback device that nobody else has;
// sysfs shows those of the namespace that it was mounted in.
bool EnterNamespace() {
  const uid_t user = geteuid();
  if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) {
    if (unshare(CLONE_NEWUSER) != 0) return false;
    // Before there is a device: it belongs to its namespace's root.
    std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) return false;
  }
  return mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("sysfs", "/sys", "sysfs", 0, nullptr) == 0;
}

class UeventSourceTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_TRUE(EnterNamespace()) << "a network namespace is needed: " << std::strerror(errno);
  }
  ~UeventSourceTest() override {
    loop_.Run([this] { source_.reset(); });
  }

  // The socket listens from now on; it is read from Start() on.
  void Open(int receive_bytes) {
    loop_.Run([&] {
      auto source = UeventSource::Open(loop_.loop(), 7, receive_bytes);
      ASSERT_TRUE(source.ok()) << source.status();
      source_ = *std::move(source);
      log_.log.StartEpoch(source_->generation(), 1, source_->next_sequence());
    });
  }
  void Start() {
    loop_.Run([this] { source_->Start(log_.log, [](const absl::Status&) { FAIL(); }); });
  }
  // Lets the kernel tell `count` changes of the loopback device; the next
  // number is a property of each. A write fails where a listener has no room.
  void Change(int count) {
    for (int i = 0; i < count; ++i) {
      std::ofstream file("/sys/class/net/lo/uevent");
      file << "change 12345678-1234-1234-1234-123456789abc N=" << ++changes_ << std::flush;
    }
  }
  bool Reaches(uint64_t last) {
    return Eventually([&] { return log_.log.extent().last_sequence >= last; });
  }
  std::vector<Seen> ReadAll() {
    return hub::testing::Follower(log_.log, hub::StartOldest()).ReadAll();
  }
  // The N of a record.
  static std::string NumberOf(const Seen& seen) {
    constexpr char kName[] = "SYNTH_ARG_N=";
    const size_t start = seen.payload.find(kName);
    if (start == std::string::npos) return "none";
    const std::string rest = seen.payload.substr(start + sizeof(kName) - 1);
    return rest.substr(0, rest.find('\n'));
  }

  LoopThread loop_;
  hub::testing::LogFixture log_;
  std::unique_ptr<UeventSource> source_;
  int changes_ = 0;
};

TEST_F(UeventSourceTest, ARecordHasTheFieldsOfTheKernelsMessage) {
  Open(kRoomy);
  Start();
  Change(1);
  ASSERT_TRUE(Reaches(1));
  const std::vector<Seen> seen = ReadAll();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].type, source::kUeventRecordType);
  EXPECT_GT(seen[0].boottime_ns, 0u);
  UeventPayload fixed;
  ASSERT_GE(seen[0].payload.size(), sizeof(fixed));
  std::memcpy(&fixed, seen[0].payload.data(), sizeof(fixed));
  const auto text = [&](uint32_t loc) { return seen[0].payload.substr(loc & 0xffff, loc >> 16); };
  EXPECT_EQ(text(fixed.action), "change");
  EXPECT_EQ(text(fixed.devpath), "/devices/virtual/net/lo");
  EXPECT_EQ(text(fixed.subsystem), "net");
  EXPECT_NE(text(fixed.properties).find("\nINTERFACE=lo\n"), std::string::npos);
  EXPECT_NE(text(fixed.properties).find(absl::StrCat("SEQNUM=", fixed.seqnum)), std::string::npos);
  EXPECT_EQ(NumberOf(seen[0]), "1");
}

TEST_F(UeventSourceTest, MoreThanOneTurnsWorthIsAllReadInOrder) {
  Open(kRoomy);
  Change(300);
  Start();
  ASSERT_TRUE(Reaches(300));
  const std::vector<Seen> seen = ReadAll();
  EXPECT_EQ(RecordNumbers(seen), Range(1, 300));
  for (size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(NumberOf(seen[i]), absl::StrCat(i + 1));
}

TEST_F(UeventSourceTest, WhatTheSocketHadNoRoomForIsLostByCount) {
  Open(kTiny);
  Change(100);
  Start();
  ASSERT_TRUE(Reaches(100));
  const std::vector<Seen> seen = ReadAll();
  const std::vector<uint64_t> received = RecordNumbers(seen);
  ASSERT_FALSE(received.empty());
  ASSERT_LT(received.size(), 100u);
  // What was queued came before what found no room.
  EXPECT_EQ(received, Range(1, received.size()));
  ASSERT_EQ(seen.size(), received.size() + 1) << "one loss";
  EXPECT_EQ(seen.back().count, 100 - received.size());
  EXPECT_EQ(seen.back().stage, LossStage::kKernelTransport);
  EXPECT_EQ(seen.back().cause, "netlink socket full");
}

TEST_F(UeventSourceTest, TheStreamGoesOnBehindALossAndCountsTheNextOneAnew) {
  Open(kTiny);
  Start();
  // From the source's own thread, so that it cannot read meanwhile.
  loop_.Run([this] { Change(50); });
  ASSERT_TRUE(Reaches(50));
  Change(1);
  ASSERT_TRUE(Reaches(51));
  loop_.Run([this] { Change(30); });
  ASSERT_TRUE(Reaches(81));
  const std::vector<Seen> seen = ReadAll();
  EXPECT_EQ(RecordNumbers(seen).size() + LostNumbers(seen, LossStage::kKernelTransport), 81u);
  EXPECT_EQ(log_.log.extent().last_sequence, 81u);
  const auto between = std::find_if(
      seen.begin(), seen.end(), [](const Seen& one) { return one.is_record && one.first == 51; });
  ASSERT_NE(between, seen.end());
  EXPECT_EQ(NumberOf(*between), "51");
  EXPECT_EQ(seen.back().first + seen.back().count - 1, 81u);
  EXPECT_FALSE(seen.back().is_record);
}

// A program's socket of the same protocol.
class Forger {
 public:
  // To everybody who listens, as the kernel does; or to the kernel, which passes
  // it on in the namespace of who may do that.
  void SendToListeners(std::string_view message) const { Send(message, 1); }
  void SendToKernel(std::string_view message) const {
    nlmsghdr header{};
    header.nlmsg_len = static_cast<uint32_t>(sizeof(header) + message.size());
    std::string whole(reinterpret_cast<const char*>(&header), sizeof(header));
    Send(whole.append(message), 0);
  }

 private:
  void Send(std::string_view message, uint32_t groups) const {
    sockaddr_nl to{};
    to.nl_family = AF_NETLINK;
    to.nl_groups = groups;
    ASSERT_EQ(sendto(socket_.get(), message.data(), message.size(), 0,
                     reinterpret_cast<sockaddr*>(&to), sizeof(to)),
              static_cast<ssize_t>(message.size()))
        << std::strerror(errno);
  }

  const source::UniqueFd socket_{
      socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT)};
};

TEST_F(UeventSourceTest, WhatAProgramSaysIsNoRecord) {
  Open(kRoomy);
  Start();
  const Forger forger;
  forger.SendToListeners("add@/d\0ACTION=add\0DEVPATH=/d\0SEQNUM=1\0"sv);
  forger.SendToKernel("add@/d\0ACTION=add\0DEVPATH=/d\0"sv);
  Change(1);
  ASSERT_TRUE(Reaches(1));
  const std::vector<Seen> seen = ReadAll();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(NumberOf(seen[0]), "1");
}

}  // namespace
}  // namespace kchan::testing
