// SPDX-License-Identifier: Apache-2.0
// Commands by netlink: what a channel takes, and what its module says to it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

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
