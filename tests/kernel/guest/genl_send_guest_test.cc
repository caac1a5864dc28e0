// SPDX-License-Identifier: Apache-2.0
// Commands by netlink: what a channel takes, and what its module says to it.
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "hold_testing.h"
#include "testbed.h"

namespace kchan::guest {
namespace {

constexpr char kChannel[] = "test.genl";

class SendTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(testbed_.error, 0) << std::strerror(testbed_.error); }

  ScopedModule testbed_{"kchan_testbed"};
  GenlSocket socket_;   // commands
  GenlSocket records_;  // what comes of them
};

TEST_F(SendTest, SendRefusesWhatTheSchemaDoesNotTake) {
  const Write write;
  const struct {
    Attributes attributes;
    int error;
    uint16_t bad;
    uint16_t missing;
  } cases[] = {
      {Attributes().U16(KCHAN_A_RECORD_TYPE, 1), EINVAL, 0, KCHAN_A_PAYLOAD},
      {Attributes().Put(KCHAN_A_PAYLOAD, &write, 12), EINVAL, 0, KCHAN_A_RECORD_TYPE},
      {Attributes().U16(KCHAN_A_RECORD_TYPE, 2).Put(KCHAN_A_PAYLOAD, &write, 12), EINVAL,
       KCHAN_A_RECORD_TYPE, 0},
      {Attributes().U16(KCHAN_A_RECORD_TYPE, 9).Put(KCHAN_A_PAYLOAD, &write, 12), EINVAL,
       KCHAN_A_RECORD_TYPE, 0},
      {Attributes().U16(KCHAN_A_RECORD_TYPE, 0).Put(KCHAN_A_PAYLOAD, &write, 12), ERANGE,
       KCHAN_A_RECORD_TYPE, 0},
      {Attributes().U16(KCHAN_A_RECORD_TYPE, 1).Put(KCHAN_A_PAYLOAD, &write, 11), EINVAL,
       KCHAN_A_PAYLOAD, 0},
      {Attributes()
           .U16(KCHAN_A_RECORD_TYPE, 1)
           .Put(KCHAN_A_PAYLOAD, std::string(5000, '\0').data(), 5000),
       EMSGSIZE, KCHAN_A_PAYLOAD, 0},
  };
  for (const auto& c : cases) {
    const Answer answer = socket_.Do(
        KCHAN_CMD_SEND, Attributes::FromBytes(Named(kChannel).bytes() + c.attributes.bytes()));
    EXPECT_EQ(answer.error, c.error) << answer.text;
    EXPECT_EQ(answer.bad_attribute, c.bad) << answer.text;
    EXPECT_EQ(answer.missing_attribute, c.missing) << answer.text;
    EXPECT_FALSE(answer.text.empty());
  }
}

TEST_F(SendTest, SendToAChannelThatOnlyTalksIsRefused) {
  const ScopedModule hello("kchan_hello");
  ASSERT_EQ(hello.error, 0);
  const Answer answer = socket_.Do(
      KCHAN_CMD_SEND, Named("hello").U16(KCHAN_A_RECORD_TYPE, 1).Put(KCHAN_A_PAYLOAD, "x", 1));
  EXPECT_EQ(answer.error, EOPNOTSUPP);
  EXPECT_EQ(answer.bad_attribute, KCHAN_A_CHANNEL_NAME);
}

TEST_F(SendTest, EchoSaysWhatItIsToldAndWhyNot) {
  const ScopedModule echo("kchan_echo");
  ASSERT_EQ(echo.error, 0);
  ASSERT_EQ(records_.Join(KCHAN_GENL_GROUP_RECORDS), 0);
  ASSERT_EQ(records_.Do(KCHAN_CMD_ENABLE, Named("echo")).error, 0);
  char text[64] = "good morning";
  const auto say = [&] {
    return socket_.Do(
        KCHAN_CMD_SEND,
        Named("echo").U16(KCHAN_A_RECORD_TYPE, 1).Put(KCHAN_A_PAYLOAD, text, sizeof(text)));
  };
  ASSERT_EQ(say().error, 0);
  Message message;
  ASSERT_TRUE(records_.Receive([](const Message& m) { return m.command == KCHAN_CMD_RECORDS_NTF; },
                               &message));
  const std::string payload =
      message.attributes.Nests(KCHAN_A_RECORD)[0].Bytes(KCHAN_RECORD_A_PAYLOAD);
  ASSERT_EQ(payload.size(), 80u);
  EXPECT_STREQ(payload.c_str() + 16, "good morning");
  uint32_t pid = 0;
  std::memcpy(&pid, payload.data() + 8, sizeof(pid));
  EXPECT_EQ(pid, static_cast<uint32_t>(getpid()));

  text[0] = '\0';
  const Answer refused = say();
  EXPECT_EQ(refused.error, EINVAL);
  EXPECT_EQ(refused.text, "nothing to say");
}

// What a module says is answered whole, and answered at all: to netlink itself
// EINTR means that there is nothing to answer.
TEST_F(SendTest, RefusalIsWholeWhateverItsErrno) {
  constexpr uint32_t kRestart = 512;  // ERESTARTSYS, which is no answer to a program
  const ScopedModule hold("kchan_testbed_hold");
  ASSERT_EQ(hold.error, 0);
  for (const uint32_t refusal : {uint32_t{EDOM}, uint32_t{EINTR}, kRestart}) {
    const Answer answer =
        Send(socket_, "test.hold.mutex", {.what = Order::kRefuse, .refusal = refusal});
    EXPECT_EQ(answer.error, refusal == kRestart ? EINTR : int(refusal));
    EXPECT_EQ(answer.text, kRefusal);
  }
  // A warning to what is not refused, too.
  const Answer warned = Send(socket_, "test.hold.mutex", {.what = Order::kRefuse});
  EXPECT_EQ(warned.error, 0);
  EXPECT_EQ(warned.text, kRefusal);
}

TEST_F(SendTest, SourceThatIsInterruptedIsAnswered) {
  const auto set = [&](uint64_t refuse) {
    return socket_
        .Do(KCHAN_CMD_CHANNEL_SET, Named(kChannel).Nest(KCHAN_A_PARAM, Param("refuse", refuse)))
        .error;
  };
  ASSERT_EQ(set(EINTR), 0);
  EXPECT_EQ(socket_.Do(KCHAN_CMD_ENABLE, Named(kChannel)).error, EINTR);
  ASSERT_EQ(set(0), 0);
  EXPECT_EQ(socket_.Do(KCHAN_CMD_ENABLE, Named(kChannel)).error, 0);
}

// The words are the module's own: the answer must not look for them once it is
// gone. The unloader comes before the senders whenever it can run.
TEST_F(SendTest, RefusalIsReadWhileItsModuleUnloads) {
  constexpr int kReloads = 60;
  // However slow the machine is.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::atomic<bool> stop = false;
  std::atomic<uint64_t> refused = 0;
  std::vector<std::thread> senders;
  for (int i = 0; i < 3; i++) {
    senders.emplace_back([&, i] {
      PinToCpu(i % 2);
      GenlSocket socket;
      while (!stop) {
        const Answer answer =
            Send(socket, "test.hold.mutex", {.what = Order::kRefuse, .refusal = EDOM});
        if (answer.error == EDOM) refused++;
        const std::string expected = answer.error == EDOM        ? kRefusal
                                     : answer.error == ESHUTDOWN ? "the channel is dead"
                                                                 : "no such channel";
        EXPECT_EQ(answer.text, expected) << answer.error;
      }
    });
  }
  PinToCpu(0);
  const sched_param urgent{.sched_priority = 1};
  ASSERT_EQ(sched_setscheduler(0, SCHED_FIFO, &urgent), 0);
  for (int i = 0; i < kReloads && std::chrono::steady_clock::now() < deadline; i++) {
    const uint64_t before = refused;
    EXPECT_EQ(LoadModule("kchan_testbed_hold"), 0);
    EXPECT_TRUE(Eventually([&] { return refused > before + 10; }));
    EXPECT_EQ(UnloadModule("kchan_testbed_hold"), 0);
  }
  stop = true;
  for (std::thread& sender : senders) sender.join();
}

TEST_F(SendTest, ProviderUnloadsUnderItsListener) {
  auto echo = std::make_unique<ScopedModule>("kchan_echo");
  ASSERT_EQ(echo->error, 0);
  ASSERT_EQ(records_.Join(KCHAN_GENL_GROUP_CHANNELS), 0);
  ASSERT_EQ(records_.Do(KCHAN_CMD_ENABLE, Named("echo")).error, 0);
  std::thread sender([] {
    GenlSocket socket;
    const char text[64] = "again";
    while (
        socket
            .Do(KCHAN_CMD_SEND,
                Named("echo").U16(KCHAN_A_RECORD_TYPE, 1).Put(KCHAN_A_PAYLOAD, text, sizeof(text)))
            .error == 0) {
    }
  });
  echo.reset();
  sender.join();
  Message message;
  EXPECT_TRUE(records_.Receive(
      [](const Message& m) {
        return m.command == KCHAN_CMD_CHANNEL_DEL_NTF &&
               m.attributes.String(KCHAN_A_CHANNEL_NAME) == "echo";
      },
      &message));
}

}  // namespace
}  // namespace kchan::guest
