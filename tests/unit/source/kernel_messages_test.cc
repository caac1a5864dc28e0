// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/kernel_messages.h"

#include <gtest/gtest.h>
#include <linux/netlink.h>

#include <random>
#include <string>
#include <vector>

#include "tests/unit/source/netlink_testing.h"

namespace kchan::testing {
namespace {

using source::ParseChannel;
using source::ParseNode;
using source::ParseRecords;
using source::ParseSchema;
using source::Printable;
using source::RecordMessage;

AttributeBytes Channel() {
  return AttributeBytes()
      .U32(KCHAN_A_CHANNEL_ID, 5)
      .String(KCHAN_A_CHANNEL_NAME, "exec")
      .String(KCHAN_A_CHANNEL_DOC, "Programs that start")
      .String(KCHAN_A_PROVIDER, "kchan_sources")
      .U32(KCHAN_A_TRANSPORT, KCHAN_TRANSPORT_RING)
      .U32(KCHAN_A_DIRECTION, KCHAN_DIRECTION_TO_USER)
      .U32(KCHAN_A_LAYOUT, KCHAN_LAYOUT_SHARED)
      .U32(KCHAN_A_POLICY, KCHAN_POLICY_SPINLOCK)
      .U32(KCHAN_A_CONTEXT, KCHAN_CONTEXT_SOFTIRQ)
      .U32(KCHAN_A_STATE, KCHAN_STATE_LIVE)
      .U64(KCHAN_A_GENERATION, 77)
      .U32(KCHAN_A_MAX_RECORD_BYTES, 4096)
      .U64(KCHAN_A_BUDGET_BYTES, 1 << 20)
      .U32(KCHAN_A_LINGER_MS, 60000)
      .Nest(KCHAN_A_PARAM | NLA_F_NESTED, AttributeBytes()
                                              .String(KCHAN_PARAM_A_NAME, "rate")
                                              .U64(KCHAN_PARAM_A_VALUE, 10)
                                              .U64(KCHAN_PARAM_A_MAX_VALUE, 100)
                                              .String(KCHAN_PARAM_A_UNIT, "Hz"));
}

AttributeBytes Field(const char* name, uint32_t kind, uint32_t offset, uint32_t size) {
  return AttributeBytes()
      .String(KCHAN_FIELD_A_NAME, name)
      .U32(KCHAN_FIELD_A_KIND, kind)
      .U32(KCHAN_FIELD_A_OFFSET, offset)
      .U32(KCHAN_FIELD_A_SIZE, size);
}

AttributeBytes Type(uint16_t id, uint32_t size, const AttributeBytes& field) {
  return AttributeBytes()
      .U16(KCHAN_TYPE_A_ID, id)
      .String(KCHAN_TYPE_A_NAME, "type")
      .U32(KCHAN_TYPE_A_DIRECTION, KCHAN_DIRECTION_TO_USER)
      .U32(KCHAN_TYPE_A_SIZE, size)
      .Nest(KCHAN_TYPE_A_FIELD, field);
}

AttributeBytes Schema(const AttributeBytes& type) {
  return AttributeBytes()
      .String(KCHAN_A_CHANNEL_NAME, "exec")
      .Nest(KCHAN_A_SCHEMA, AttributeBytes()
                                .U32(KCHAN_SCHEMA_A_BYTE_ORDER, KCHAN_BYTE_ORDER_LITTLE)
                                .Nest(KCHAN_SCHEMA_A_TYPE, type));
}

AttributeBytes SchemaWithField(uint32_t kind, uint32_t offset, uint32_t size) {
  return Schema(Type(1, 16, Field("field", kind, offset, size)));
}

AttributeBytes Records() {
  const char payload[] = "payload";
  return AttributeBytes()
      .U32(KCHAN_A_CHANNEL_ID, 5)
      .U64(KCHAN_A_GENERATION, 77)
      .Nest(KCHAN_A_RECORD, AttributeBytes()
                                .U64(KCHAN_RECORD_A_SEQUENCE, 9)
                                .U64(KCHAN_RECORD_A_LOST_BEFORE, 2)
                                .U64(KCHAN_RECORD_A_BOOTTIME_NS, 1234)
                                .U32(KCHAN_RECORD_A_CPU, 3)
                                .U16(KCHAN_RECORD_A_TYPE, 4)
                                .Raw(KCHAN_RECORD_A_PAYLOAD, std::as_bytes(std::span(payload))))
      .U64(KCHAN_A_SEQUENCE, 10);
}

TEST(KernelMessagesTest, AChannelIsDescribedInTheHubsWords) {
  const auto channel = ParseChannel(Channel().bytes());
  ASSERT_TRUE(channel.ok()) << channel.status();
  EXPECT_EQ(channel->id, 5u);
  EXPECT_EQ(channel->generation, 77u);
  EXPECT_EQ(channel->state, uint32_t{KCHAN_STATE_LIVE});
  const hub::ChannelDescription& description = channel->description;
  EXPECT_EQ(description.name, "exec");
  EXPECT_EQ(description.transport, "ring");
  EXPECT_EQ(description.layout, "shared");
  EXPECT_EQ(description.writer_policy, "spinlock");
  EXPECT_EQ(description.writer_context, "softirq");
  EXPECT_EQ(description.direction, hub::Direction::kToUser);
  ASSERT_EQ(description.parameters.size(), 1u);
  EXPECT_EQ(description.parameters[0].name, "rate");
  EXPECT_EQ(description.parameters[0].max_value, 100u);
  EXPECT_EQ(description.parameters[0].unit, "Hz");
}

TEST(KernelMessagesTest, WhatALaterAbiAddsIsLeftOutOrKeptAsANumber) {
  const auto channel = ParseChannel(
      Channel().U32(KCHAN_A_TRANSPORT, 9).U32(KCHAN_A_MAX + 7, 1).Nest(300, Channel()).bytes());
  ASSERT_TRUE(channel.ok()) << channel.status();
  EXPECT_EQ(channel->description.transport, "number 9");
}

TEST(KernelMessagesTest, AChannelWithoutItsIdentityIsRefused) {
  EXPECT_FALSE(ParseChannel({}).ok());
  EXPECT_FALSE(ParseChannel(AttributeBytes().String(KCHAN_A_CHANNEL_NAME, "exec").bytes()).ok());
  EXPECT_FALSE(ParseChannel(AttributeBytes().U32(KCHAN_A_CHANNEL_ID, 1).bytes()).ok());
}

TEST(KernelMessagesTest, ANameThatNoChannelMayHaveIsRefused) {
  for (const char* name : {"", "Exec", "9lives", "../etc", "a b", "a/b", "na\xc3\xafve"}) {
    EXPECT_FALSE(ParseChannel(Channel().String(KCHAN_A_CHANNEL_NAME, name).bytes()).ok()) << name;
  }
  const std::string longest(KCHAN_NAME_BYTES - 1, 'a');
  EXPECT_TRUE(ParseChannel(Channel().String(KCHAN_A_CHANNEL_NAME, longest.c_str()).bytes()).ok());
  EXPECT_FALSE(
      ParseChannel(Channel().String(KCHAN_A_CHANNEL_NAME, (longest + "a").c_str()).bytes()).ok());
}

TEST(KernelMessagesTest, AStringWithoutItsNulIsRefused) {
  const char unterminated[] = {'e', 'x', 'e', 'c'};
  EXPECT_FALSE(
      ParseChannel(
          Channel().Raw(KCHAN_A_CHANNEL_DOC, std::as_bytes(std::span(unterminated))).bytes())
          .ok());
}

TEST(KernelMessagesTest, ANumberOfAnotherSizeIsRefused) {
  EXPECT_FALSE(ParseChannel(Channel().U16(KCHAN_A_CHANNEL_ID, 1).bytes()).ok());
  EXPECT_FALSE(ParseChannel(Channel().U32(KCHAN_A_GENERATION, 1).bytes()).ok());
  EXPECT_FALSE(ParseNode(AttributeBytes().U32(KCHAN_A_ABI_MAJOR, 1).bytes()).ok());
}

TEST(KernelMessagesTest, TextsBecomePrintableUtf8) {
  EXPECT_EQ(Printable("10 \xc2\xb5s"), "10 \xc2\xb5s");
  EXPECT_EQ(Printable("a\x1b[31m\n\x7f"), "a?[31m??");
  EXPECT_EQ(Printable("\xff\xc0\xaf\xed\xa0\x80\xe2\x82"), "????????");
  EXPECT_EQ(Printable("\xf0\x9f\x90\xa7 \xe2\x82\xac"), "\xf0\x9f\x90\xa7 \xe2\x82\xac");
}

TEST(KernelMessagesTest, ASchemaHasTheIdOfItsContent) {
  const auto schema = ParseSchema(SchemaWithField(KCHAN_FIELD_U32, 0, 4).bytes());
  ASSERT_TRUE(schema.ok()) << schema.status();
  EXPECT_EQ(schema->types.at(0).fields.at(0).name, "field");
  EXPECT_EQ(schema->id, hub::SchemaId(*schema));
  const auto other = ParseSchema(SchemaWithField(KCHAN_FIELD_S32, 0, 4).bytes());
  EXPECT_NE(schema->id, other->id);
}

TEST(KernelMessagesTest, AFieldOutsideItsRecordIsRefused) {
  EXPECT_TRUE(ParseSchema(SchemaWithField(KCHAN_FIELD_U64, 8, 8).bytes()).ok());
  EXPECT_FALSE(ParseSchema(SchemaWithField(KCHAN_FIELD_U64, 16, 8).bytes()).ok());
  EXPECT_FALSE(ParseSchema(SchemaWithField(KCHAN_FIELD_U64, 12, 8).bytes()).ok());
  // The sum must not wrap.
  EXPECT_FALSE(ParseSchema(SchemaWithField(KCHAN_FIELD_U64, 0xfffffff8, 16).bytes()).ok());
}

TEST(KernelMessagesTest, AFieldThatIsNoWholeNumberOfItsKindIsRefused) {
  EXPECT_TRUE(ParseSchema(SchemaWithField(KCHAN_FIELD_U16, 0, 6).bytes()).ok());
  EXPECT_FALSE(ParseSchema(SchemaWithField(KCHAN_FIELD_U16, 0, 5).bytes()).ok());
  EXPECT_FALSE(ParseSchema(SchemaWithField(KCHAN_FIELD_U16, 0, 0).bytes()).ok());
  EXPECT_FALSE(ParseSchema(SchemaWithField(KCHAN_FIELD_STRING_LOC, 0, 6).bytes()).ok());
  // A kind that a later ABI brings is bytes to us.
  EXPECT_TRUE(ParseSchema(SchemaWithField(99, 0, 5).bytes()).ok());
}

TEST(KernelMessagesTest, AnImpossibleSchemaIsRefused) {
  const AttributeBytes field = Field("field", KCHAN_FIELD_U8, 0, 1);
  EXPECT_FALSE(ParseSchema({}).ok());
  EXPECT_FALSE(ParseSchema(Schema(Type(0, 16, field)).bytes()).ok());
  EXPECT_FALSE(ParseSchema(Schema(Type(1, KCHAN_MAX_RECORD_BYTES + 1, field)).bytes()).ok());
  AttributeBytes fields;
  for (int i = 0; i <= KCHAN_MAX_FIELDS; ++i) fields.Nest(KCHAN_TYPE_A_FIELD, field);
  EXPECT_FALSE(ParseSchema(Schema(fields).bytes()).ok());
  // Two types of one id.
  EXPECT_FALSE(ParseSchema(AttributeBytes()
                               .Nest(KCHAN_A_SCHEMA,
                                     AttributeBytes()
                                         .U32(KCHAN_SCHEMA_A_BYTE_ORDER, KCHAN_BYTE_ORDER_LITTLE)
                                         .Nest(KCHAN_SCHEMA_A_TYPE, Type(1, 16, field))
                                         .Nest(KCHAN_SCHEMA_A_TYPE, Type(1, 16, field)))
                               .bytes())
                   .ok());
}

// `depth` structures inside each other, around one number.
AttributeBytes Structures(int depth) {
  AttributeBytes field = Field("number", KCHAN_FIELD_U32, 0, 4);
  for (int i = 0; i < depth; ++i) {
    field = Field("outer", KCHAN_FIELD_STRUCT, 0, 4)
                .U32(KCHAN_FIELD_A_ELEMENT_BYTES, 4)
                .Nest(KCHAN_FIELD_A_MEMBER | NLA_F_NESTED, field);
  }
  return field;
}

TEST(KernelMessagesTest, AStructureHasItsMembers) {
  const AttributeBytes field = Field("peers", KCHAN_FIELD_STRUCT, 0, 16)
                                   .Nest(KCHAN_FIELD_A_MEMBER, Field("ip", KCHAN_FIELD_U32, 0, 4))
                                   .Nest(KCHAN_FIELD_A_MEMBER, Field("port", KCHAN_FIELD_U16, 4, 2))
                                   .U32(KCHAN_FIELD_A_ELEMENT_BYTES, 8);
  const auto schema = ParseSchema(Schema(Type(1, 16, field)).bytes());
  ASSERT_TRUE(schema.ok()) << schema.status();
  const hub::Field& peers = schema->types.at(0).fields.at(0);
  EXPECT_EQ(peers.kind, uint32_t{KCHAN_FIELD_STRUCT});
  EXPECT_EQ(peers.element_bytes, 8u);
  ASSERT_EQ(peers.members.size(), 2u);
  EXPECT_EQ(peers.members[1].name, "port");
  EXPECT_EQ(peers.members[1].offset, 4u);
}

TEST(KernelMessagesTest, AMemberOutsideItsStructureIsRefused) {
  const auto with = [](const AttributeBytes& member, uint32_t element_bytes) {
    const AttributeBytes field = Field("s", KCHAN_FIELD_STRUCT, 0, 16)
                                     .U32(KCHAN_FIELD_A_ELEMENT_BYTES, element_bytes)
                                     .Nest(KCHAN_FIELD_A_MEMBER, member);
    return ParseSchema(Schema(Type(1, 16, field)).bytes()).ok();
  };
  EXPECT_TRUE(with(Field("m", KCHAN_FIELD_U64, 0, 8), 8));
  EXPECT_FALSE(with(Field("m", KCHAN_FIELD_U64, 4, 8), 8)) << "leaves its element";
  EXPECT_FALSE(with(Field("m", KCHAN_FIELD_U64, 0xfffffff8, 8), 8)) << "wraps around";
  EXPECT_FALSE(with(Field("m", KCHAN_FIELD_U64, 0, 8), 0)) << "elements without a size";
  EXPECT_FALSE(with(Field("m", KCHAN_FIELD_U64, 0, 8), 12)) << "not whole elements";
  EXPECT_FALSE(with(Field("", KCHAN_FIELD_U64, 0, 8), 8)) << "no name";
  EXPECT_FALSE(with(Field("m", KCHAN_FIELD_STRING_REST, 8, 0), 8)) << "the rest is the record's";
  EXPECT_FALSE(
      ParseSchema(
          Schema(Type(1, 16,
                      Field("s", KCHAN_FIELD_STRUCT, 0, 16).U32(KCHAN_FIELD_A_ELEMENT_BYTES, 8)))
              .bytes())
          .ok())
      << "no members";
}

TEST(KernelMessagesTest, StructuresEndAtTheirDepth) {
  const auto parses = [](int depth) {
    return ParseSchema(Schema(Type(1, 16, Structures(depth))).bytes());
  };
  EXPECT_TRUE(parses(KCHAN_MAX_STRUCT_DEPTH).ok()) << parses(KCHAN_MAX_STRUCT_DEPTH).status();
  EXPECT_FALSE(parses(KCHAN_MAX_STRUCT_DEPTH + 1).ok());
  EXPECT_FALSE(parses(2000).ok());
}

TEST(KernelMessagesTest, MembersCountAsFieldsOfTheirType) {
  const auto parses = [](int members) {
    AttributeBytes field = Field("s", KCHAN_FIELD_STRUCT, 0, 4).U32(KCHAN_FIELD_A_ELEMENT_BYTES, 4);
    for (int i = 0; i < members; ++i) {
      const std::string name = "m" + std::to_string(i);
      field.Nest(KCHAN_FIELD_A_MEMBER, Field(name.c_str(), KCHAN_FIELD_U32, 0, 4));
    }
    return ParseSchema(Schema(Type(1, 16, field)).bytes()).ok();
  };
  EXPECT_TRUE(parses(KCHAN_MAX_FIELDS - 1));
  EXPECT_FALSE(parses(KCHAN_MAX_FIELDS));
}

TEST(KernelMessagesTest, OnlyTheLastFieldTakesTheRest) {
  const AttributeBytes text = Field("text", KCHAN_FIELD_STRING_REST, 16, 0);
  const AttributeBytes number = Field("number", KCHAN_FIELD_U32, 0, 4);
  EXPECT_TRUE(ParseSchema(Schema(Type(1, 16, number).Nest(KCHAN_TYPE_A_FIELD, text)).bytes()).ok());
  EXPECT_FALSE(
      ParseSchema(Schema(Type(1, 16, text).Nest(KCHAN_TYPE_A_FIELD, number)).bytes()).ok());
  EXPECT_FALSE(ParseSchema(SchemaWithField(KCHAN_FIELD_BYTES_REST, 17, 0).bytes()).ok());
  EXPECT_FALSE(ParseSchema(SchemaWithField(KCHAN_FIELD_BYTES_REST, 8, 8).bytes()).ok());
}

TEST(KernelMessagesTest, TwoFieldsOfOneNameAreRefused) {
  const AttributeBytes field = Field("field", KCHAN_FIELD_U8, 0, 1);
  EXPECT_FALSE(
      ParseSchema(Schema(Type(1, 16, field).Nest(KCHAN_TYPE_A_FIELD, field)).bytes()).ok());
}

TEST(KernelMessagesTest, AWordSaysWhetherClientsMayChangeIt) {
  const AttributeBytes own = Field("own", KCHAN_FIELD_U64, 0, 8);
  const AttributeBytes open = Field("open", KCHAN_FIELD_U64, 8, 8).Raw(KCHAN_FIELD_A_WRITABLE, {});
  const auto schema = ParseSchema(Schema(Type(1, 16, own).Nest(KCHAN_TYPE_A_FIELD, open)).bytes());
  ASSERT_TRUE(schema.ok()) << schema.status();
  EXPECT_FALSE(schema->types.at(0).fields.at(0).writable);
  EXPECT_TRUE(schema->types.at(0).fields.at(1).writable);
}

TEST(KernelMessagesTest, RecordsAreVisitedInOrderWithTheirHeaders) {
  const AttributeBytes bytes = Records();
  const auto records = ParseRecords(bytes.bytes());
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_EQ(records->channel_id, 5u);
  EXPECT_EQ(records->generation, 77u);
  EXPECT_EQ(records->sequence, 10u);
  int visited = 0;
  const absl::Status status = VisitRecords(*records, [&](const RecordMessage& record) {
    ++visited;
    EXPECT_EQ(record.sequence, 9u);
    EXPECT_EQ(record.lost_before, 2u);
    EXPECT_EQ(record.header.boottime_ns, 1234u);
    EXPECT_EQ(record.header.cpu, 3u);
    EXPECT_EQ(record.header.type, 4u);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(record.payload.data())), "payload");
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(visited, 1);
}

// Reads `bytes` as every message there is. What comes out does not matter, only
// that the sanitizers have nothing to say.
void ParseAsEverything(std::span<const std::byte> bytes) {
  (void)ParseNode(bytes);
  (void)ParseChannel(bytes);
  (void)source::ParseChannelName(bytes);
  (void)ParseSchema(bytes);
  (void)source::ParseEnabled(bytes);
  if (const auto records = ParseRecords(bytes); records.ok()) {
    (void)VisitRecords(*records, [](const RecordMessage& record) {
      uint32_t sum = 0;
      for (const std::byte byte : record.payload) sum += static_cast<uint8_t>(byte);
      return sum == 1u << 31 ? absl::InternalError("") : absl::OkStatus();
    });
  }
}

TEST(KernelMessagesTest, AMessageCutAnywhereIsHarmless) {
  for (const AttributeBytes& whole :
       {Channel(), SchemaWithField(KCHAN_FIELD_U32, 0, 4), Records()}) {
    for (size_t length = 0; length < whole.bytes().size(); ++length) {
      // A copy of exactly that length, so that reading beyond it is caught.
      const std::vector<std::byte> cut(whole.bytes().begin(),
                                       whole.bytes().begin() + static_cast<ptrdiff_t>(length));
      ParseAsEverything(cut);
      if (length % 4 != 0) {
        EXPECT_FALSE(ParseChannel(cut).ok());
      }
    }
  }
}

TEST(KernelMessagesTest, AMessageWithWrongBytesIsHarmless) {
  std::minstd_rand random(1);
  for (const AttributeBytes& whole : {Channel(), SchemaWithField(KCHAN_FIELD_U32, 0, 4),
                                      Schema(Type(1, 16, Structures(3))), Records()}) {
    for (int round = 0; round < 20000; ++round) {
      std::vector<std::byte> bytes(whole.bytes().begin(), whole.bytes().end());
      for (uint32_t i = 0; i <= random() % 4; ++i) {
        bytes[random() % bytes.size()] = static_cast<std::byte>(random());
      }
      ParseAsEverything(bytes);
    }
  }
}

}  // namespace
}  // namespace kchan::testing
