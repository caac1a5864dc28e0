// SPDX-License-Identifier: Apache-2.0
// The family "kchan": questions, settings, and what is refused how.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <set>
#include <string>

#include "ring_file.h"
#include "testbed.h"

namespace kchan::guest {
namespace {

class GenlTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(testbed_.error, 0) << std::strerror(testbed_.error); }

  uint64_t ParamOf(const std::string& channel, const std::string& name) {
    for (const Parsed& param : GetChannel(socket_, channel).Nests(KCHAN_A_PARAM)) {
      if (param.String(KCHAN_PARAM_A_NAME) == name) return param.U64(KCHAN_PARAM_A_VALUE);
    }
    ADD_FAILURE() << channel << " has no parameter " << name;
    return 0;
  }

  ScopedModule testbed_{"kchan_testbed"};
  GenlSocket socket_;
};

TEST_F(GenlTest, NodeSaysAbiAndFeatures) {
  const Answer answer = socket_.Do(KCHAN_CMD_NODE_GET);
  ASSERT_EQ(answer.error, 0);
  ASSERT_EQ(answer.messages.size(), 1u);
  const Parsed& node = answer.messages[0].attributes;
  EXPECT_EQ(node.U16(KCHAN_A_ABI_MAJOR), KCHAN_ABI_MAJOR);
  EXPECT_EQ(node.U16(KCHAN_A_ABI_MINOR), KCHAN_ABI_MINOR);
  // The rest of the transports have tests of their own.
  const uint64_t basic = KCHAN_FEATURE_RING_PER_CPU | KCHAN_FEATURE_RING_SHARED |
                         KCHAN_FEATURE_GENL_RECORDS | KCHAN_FEATURE_GENL_COMMANDS;
  EXPECT_EQ(node.U64(KCHAN_A_FEATURES) & basic, basic);
  EXPECT_FALSE(node.String(KCHAN_A_MODULE_VERSION).empty());
  EXPECT_GE(node.U32(KCHAN_A_CHANNEL_COUNT), 5u);
  EXPECT_FALSE(node.Has(KCHAN_A_QUIESCED));
}

TEST_F(GenlTest, DumpListsEveryChannelOnce) {
  const Answer answer = socket_.Dump(KCHAN_CMD_CHANNEL_GET);
  ASSERT_EQ(answer.error, 0);
  EXPECT_FALSE(answer.interrupted);
  std::set<std::string> names;
  std::set<uint32_t> ids;
  for (const Message& message : answer.messages) {
    names.insert(message.attributes.String(KCHAN_A_CHANNEL_NAME));
    ids.insert(message.attributes.U32(KCHAN_A_CHANNEL_ID));
  }
  EXPECT_EQ(names.size(), answer.messages.size());
  EXPECT_EQ(ids.size(), answer.messages.size());
  for (const char* name : {"test.per_cpu", "test.shared", "test.mutex", "test.genl", "tick"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST_F(GenlTest, ChannelDescribesItself) {
  const Parsed channel = GetChannel(socket_, "test.semaphore");
  EXPECT_EQ(channel.String(KCHAN_A_PROVIDER), "kchan_testbed");
  EXPECT_EQ(channel.U32(KCHAN_A_TRANSPORT), KCHAN_TRANSPORT_RING);
  EXPECT_EQ(channel.U32(KCHAN_A_DIRECTION), KCHAN_DIRECTION_TO_USER | KCHAN_DIRECTION_TO_KERNEL);
  EXPECT_EQ(channel.U32(KCHAN_A_LAYOUT), KCHAN_LAYOUT_SHARED);
  EXPECT_EQ(channel.U32(KCHAN_A_POLICY), KCHAN_POLICY_SEMAPHORE);
  EXPECT_EQ(channel.U32(KCHAN_A_CONTEXT), KCHAN_CONTEXT_PROCESS);
  EXPECT_EQ(channel.U32(KCHAN_A_STATE), KCHAN_STATE_IDLE);
  EXPECT_EQ(channel.U32(KCHAN_A_RING_COUNT), 1u);
  EXPECT_EQ(channel.U32(KCHAN_A_MAX_RECORD_BYTES), 4096u);
  EXPECT_EQ(channel.U32(KCHAN_A_LINGER_MS), KCHAN_DEFAULT_LINGER_MS);
  EXPECT_EQ(channel.Count(KCHAN_A_PARAM), 3u);
}

TEST_F(GenlTest, SchemaGivesEachField) {
  const Answer answer = socket_.Do(KCHAN_CMD_SCHEMA_GET, Named("test.genl"));
  ASSERT_EQ(answer.error, 0);
  const Parsed schema = answer.messages[0].attributes.Nests(KCHAN_A_SCHEMA)[0];
  EXPECT_EQ(schema.U32(KCHAN_SCHEMA_A_BYTE_ORDER), KCHAN_BYTE_ORDER_LITTLE);
  const auto types = schema.Nests(KCHAN_SCHEMA_A_TYPE);
  ASSERT_EQ(types.size(), 2u);
  EXPECT_EQ(types[0].String(KCHAN_TYPE_A_NAME), "write");
  EXPECT_EQ(types[0].U32(KCHAN_TYPE_A_DIRECTION), KCHAN_DIRECTION_TO_KERNEL);
  EXPECT_EQ(types[0].U32(KCHAN_TYPE_A_SIZE), sizeof(Write));
  const auto fields = types[0].Nests(KCHAN_TYPE_A_FIELD);
  ASSERT_EQ(fields.size(), 3u);
  EXPECT_EQ(fields[2].String(KCHAN_FIELD_A_NAME), "form");
  EXPECT_EQ(fields[2].U32(KCHAN_FIELD_A_OFFSET), 8u);
  EXPECT_EQ(fields[2].U32(KCHAN_FIELD_A_KIND), KCHAN_FIELD_U32);
  const auto names = fields[2].Nests(KCHAN_FIELD_A_NAME_OF);
  ASSERT_EQ(names.size(), 4u);
  EXPECT_EQ(names[3].U64(KCHAN_NAME_A_VALUE), 3u);
  EXPECT_EQ(names[3].String(KCHAN_NAME_A_NAME), "hardirq");
}

TEST_F(GenlTest, StatisticsShowRingsWithMemory) {
  RingFile file;
  ASSERT_EQ(file.Attach("test.shared"), 0);
  ASSERT_EQ(WriteRecords(socket_, "test.shared", {.count = 3, .length = 40}), 0);
  const Answer answer = socket_.Do(KCHAN_CMD_STATS_GET, Named("test.shared"));
  ASSERT_EQ(answer.error, 0);
  const auto rings = answer.messages[0].attributes.Nests(KCHAN_A_RING_STATS);
  ASSERT_EQ(rings.size(), 1u);
  EXPECT_EQ(rings[0].U32(KCHAN_STATS_A_CPU), KCHAN_CPU_SHARED);
  EXPECT_EQ(rings[0].U64(KCHAN_STATS_A_RECORDS), 3u);
  EXPECT_EQ(rings[0].U64(KCHAN_STATS_A_RING_BYTES), file.data_bytes());
  EXPECT_EQ(rings[0].U64(KCHAN_STATS_A_FILL_BYTES), 3 * RecordBytes(40));
  EXPECT_TRUE(rings[0].Has(KCHAN_STATS_A_HAS_READER));
  EXPECT_EQ(answer.messages[0].attributes.U64(KCHAN_A_GENERATION), file.generation());
}

// ---- Refusals ---------------------------------------------------------------

TEST_F(GenlTest, EveryOperationRefusesAttributesThatAreNotItsOwn) {
  const auto name = [] { return Named("test.genl"); };
  const struct {
    uint8_t command;
    Attributes attributes;
    uint16_t bad;
  } cases[] = {
      {KCHAN_CMD_NODE_GET, name(), KCHAN_A_CHANNEL_NAME},
      {KCHAN_CMD_QUIESCE, name(), KCHAN_A_CHANNEL_NAME},
      {KCHAN_CMD_CHANNEL_GET, name().U32(KCHAN_A_LINGER_MS, 1), KCHAN_A_LINGER_MS},
      {KCHAN_CMD_SCHEMA_GET, name().U32(KCHAN_A_CHANNEL_ID, 1), KCHAN_A_CHANNEL_ID},
      {KCHAN_CMD_STATS_GET, name().U32(KCHAN_A_CPU, 1), KCHAN_A_CPU},
      {KCHAN_CMD_ENABLE, name().U64(KCHAN_A_SEQUENCE, 1), KCHAN_A_SEQUENCE},
      {KCHAN_CMD_DISABLE, name().U16(KCHAN_A_RECORD_TYPE, 1), KCHAN_A_RECORD_TYPE},
      {KCHAN_CMD_CHANNEL_SET, name().U32(KCHAN_A_STATE, 1), KCHAN_A_STATE},
      {KCHAN_CMD_SEND, name().U32(KCHAN_A_LINGER_MS, 1), KCHAN_A_LINGER_MS},
      {KCHAN_CMD_CHANNEL_SET, name().U16(KCHAN_A_LINGER_MS, 1), KCHAN_A_LINGER_MS},
      {KCHAN_CMD_CHANNEL_GET, Named(std::string(KCHAN_NAME_BYTES, 'a')), KCHAN_A_CHANNEL_NAME},
  };
  for (const auto& c : cases) {
    const Answer answer = socket_.Do(c.command, c.attributes);
    EXPECT_TRUE(answer.error == EINVAL || answer.error == ERANGE)
        << int{c.command} << ": " << answer.error;
    EXPECT_EQ(answer.bad_attribute, c.bad) << int{c.command} << ": " << answer.text;
    EXPECT_FALSE(answer.text.empty()) << int{c.command};
  }
}

TEST_F(GenlTest, MissingNameIsNamed) {
  for (const uint8_t command :
       {KCHAN_CMD_CHANNEL_GET, KCHAN_CMD_SCHEMA_GET, KCHAN_CMD_STATS_GET, KCHAN_CMD_CHANNEL_SET,
        KCHAN_CMD_ENABLE, KCHAN_CMD_DISABLE, KCHAN_CMD_SEND}) {
    const Answer answer = socket_.Do(command);
    EXPECT_EQ(answer.error, EINVAL) << int{command};
    EXPECT_EQ(answer.missing_attribute, KCHAN_A_CHANNEL_NAME) << int{command};
    EXPECT_EQ(answer.text, "the channel's name is missing") << int{command};
  }
}

TEST_F(GenlTest, UnknownChannelIsPointedAt) {
  const Answer answer = socket_.Do(KCHAN_CMD_CHANNEL_GET, Named("test.nothing"));
  EXPECT_EQ(answer.error, ENOENT);
  EXPECT_EQ(answer.bad_attribute, KCHAN_A_CHANNEL_NAME);
  EXPECT_EQ(answer.text, "no such channel");
}

TEST_F(GenlTest, DumpTakesNoName) {
  const Answer answer = socket_.Dump(KCHAN_CMD_CHANNEL_GET, Named("test.genl"));
  EXPECT_EQ(answer.error, EINVAL);
  EXPECT_TRUE(answer.messages.empty());
}

TEST_F(GenlTest, DumpThatMissedAChangeSaysSo) {
  socket_.Send(KCHAN_CMD_CHANNEL_GET, 0x300 /* NLM_F_DUMP */, {});
  const ScopedModule hello("kchan_hello");
  ASSERT_EQ(hello.error, 0);
  const Answer answer = socket_.Finish();
  EXPECT_EQ(answer.error, 0);
  EXPECT_TRUE(answer.interrupted);
  EXPECT_FALSE(socket_.Dump(KCHAN_CMD_CHANNEL_GET).interrupted);
}

// Runs `body` as the user nobody in a child; its return value comes back.
int AsNobody(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(setgid(65534) || setuid(65534) ? 255 : body());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(GenlTest, OnlyAdminsWrite) {
  for (const uint8_t command : {KCHAN_CMD_CHANNEL_SET, KCHAN_CMD_ENABLE, KCHAN_CMD_DISABLE,
                                KCHAN_CMD_SEND, KCHAN_CMD_QUIESCE}) {
    EXPECT_EQ(AsNobody([&] { return GenlSocket().Do(command).error; }), EPERM) << int{command};
  }
  EXPECT_EQ(AsNobody([] { return GenlSocket().Do(KCHAN_CMD_NODE_GET).error; }), 0);
  EXPECT_EQ(AsNobody([] { return GenlSocket().Dump(KCHAN_CMD_CHANNEL_GET).error; }), 0);
}

TEST_F(GenlTest, OnlyAdminsHearRecords) {
  EXPECT_EQ(AsNobody([] { return GenlSocket().Join(KCHAN_GENL_GROUP_RECORDS); }), EPERM);
  EXPECT_EQ(AsNobody([] { return GenlSocket().Join(KCHAN_GENL_GROUP_CHANNELS); }), 0);
}

TEST_F(GenlTest, OnlyRootOpensTheDeviceByDefault) {
  EXPECT_EQ(AsNobody([] { return RingFile().fd() < 0 ? errno : 0; }), EACCES);
}

// ---- CHANNEL_SET ------------------------------------------------------------

TEST_F(GenlTest, SetTakesEffectAndIsAnnounced) {
  ASSERT_EQ(socket_.Join(KCHAN_GENL_GROUP_CHANNELS), 0);
  const Answer answer =
      socket_.Do(KCHAN_CMD_CHANNEL_SET, Named("test.shared")
                                            .U64(KCHAN_A_BUDGET_BYTES, 1 << 20)
                                            .U32(KCHAN_A_LINGER_MS, 5)
                                            .Nest(KCHAN_A_PARAM, Param("even", 8)));
  ASSERT_EQ(answer.error, 0) << answer.text;
  EXPECT_EQ(ParamOf("test.shared", "even"), 8u);
  EXPECT_EQ(GetChannel(socket_, "test.shared").U64(KCHAN_A_RING_BYTES), 1u << 20);
  Message message;
  ASSERT_TRUE(socket_.Receive(
      [](const Message& m) { return m.command == KCHAN_CMD_CHANNEL_CHANGE_NTF; }, &message));
  EXPECT_EQ(message.attributes.String(KCHAN_A_CHANNEL_NAME), "test.shared");
  EXPECT_EQ(message.attributes.U32(KCHAN_A_LINGER_MS), 5u);
  RingFile file;
  ASSERT_EQ(file.Attach("test.shared"), 0);
  EXPECT_EQ(file.data_bytes(), 1u << 20);
}

TEST_F(GenlTest, SetIsAllOrNothing) {
  const struct {
    Attributes attributes;
    int error;
    uint16_t bad;
    std::string text;
  } cases[] = {
      {Attributes().Nest(KCHAN_A_PARAM, Param("even", 7)), EDOM, 0, "the value is odd"},
      {Attributes().Nest(KCHAN_A_PARAM, Param("none", 7)), ENOENT, KCHAN_PARAM_A_NAME,
       "the channel has no such parameter"},
      {Attributes().Nest(KCHAN_A_PARAM, Param("even", 1002)), ERANGE, KCHAN_PARAM_A_VALUE,
       "not between the parameter's minimum and maximum"},
      {Attributes().Nest(KCHAN_A_PARAM, Attributes().String(KCHAN_PARAM_A_NAME, "even")), EINVAL,
       KCHAN_A_PARAM, "a parameter needs a name and a value"},
      {Attributes().U64(KCHAN_A_BUDGET_BYTES, 1), EINVAL, KCHAN_A_BUDGET_BYTES,
       "not enough for the smallest ring of each possible CPU"},
      {Attributes().U64(KCHAN_A_BUDGET_BYTES, ~0ULL), E2BIG, KCHAN_A_BUDGET_BYTES,
       "more than a quarter of the memory"},
  };
  const uint64_t budget = GetChannel(socket_, "test.shared").U64(KCHAN_A_BUDGET_BYTES);
  for (const auto& c : cases) {
    Attributes attributes = Named("test.shared");
    attributes.U32(KCHAN_A_LINGER_MS, 5).Nest(KCHAN_A_PARAM, Param("even", 2));
    std::string bytes = attributes.bytes() + c.attributes.bytes();
    const Answer answer = socket_.Do(KCHAN_CMD_CHANNEL_SET, Attributes::FromBytes(bytes));
    EXPECT_EQ(answer.error, c.error) << answer.text;
    EXPECT_EQ(answer.text, c.text);
    EXPECT_EQ(answer.bad_attribute, c.bad) << c.text;
    const Parsed channel = GetChannel(socket_, "test.shared");
    EXPECT_EQ(channel.U64(KCHAN_A_BUDGET_BYTES), budget) << c.text;
    EXPECT_EQ(channel.U32(KCHAN_A_LINGER_MS), KCHAN_DEFAULT_LINGER_MS) << c.text;
    EXPECT_EQ(ParamOf("test.shared", "even"), 0u) << c.text;
  }
}

}  // namespace
}  // namespace kchan::guest
