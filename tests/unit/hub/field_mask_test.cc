// SPDX-License-Identifier: Apache-2.0
// What a field mask leaves of a schema, and of payloads.
#include "bridge/hub/field_mask.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bridge/hub/field_masks.h"
#include "tests/unit/hub/filter_testing.h"
#include "tests/unit/hub/mask_testing.h"

namespace kchan::hub {
namespace {

using testing::Cut;
using testing::LayoutText;
using testing::MakeField;
using testing::MakeSchema;
using testing::MakeStruct;
using testing::SaysTheSame;

using Paths = std::vector<std::string>;

Schema OfFields(std::vector<Field> fields, uint32_t size_bytes,
                ByteOrder order = ByteOrder::kLittle) {
  return MakeSchema({{1, "fact", "", Direction::kToUser, size_bytes, std::move(fields)}}, order);
}

std::shared_ptr<const CompiledMask> Compile(const Paths& paths, const Schema& schema) {
  const auto mask = FieldMask::Make(paths);
  EXPECT_TRUE(mask.ok()) << mask.status();
  return (*mask)->CompiledFor(schema);
}

std::string Layout(const Paths& paths, const Schema& schema) {
  return LayoutText(Compile(paths, schema)->schema->types.at(0));
}

// Bytes 1, 2, 3, ..
std::string Counting(size_t bytes) {
  std::string payload(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) payload[i] = static_cast<char>(i + 1);
  return payload;
}

uint32_t Loc(uint32_t begin, uint32_t size) { return begin | size << 16; }

void PutU32(std::string& payload, size_t at, uint32_t value, bool is_big_endian = false) {
  if (is_big_endian) value = __builtin_bswap32(value);
  std::memcpy(payload.data() + at, &value, sizeof(value));
}

// ---- What is left of a schema ----------------------------------------------------

TEST(FieldMaskTest, FieldsStandNextToEachOtherWithoutPadding) {
  const Schema schema =
      OfFields({MakeField("a", FieldKind::kU8, 0, 1), MakeField("b", FieldKind::kU64, 8, 8),
                MakeField("c", FieldKind::kU16, 16, 2), MakeField("d", FieldKind::kS32, 20, 4)},
               24);
  EXPECT_EQ(Layout({"d", "a"}, schema), "5: a 0+1, d 1+4");
  EXPECT_EQ(Layout({"a", "b", "c", "d"}, schema), "15: a 0+1, b 1+8, c 9+2, d 11+4");
  const auto mask = Compile({"a", "d"}, schema);
  EXPECT_EQ(Cut(*mask, 1, Counting(24)), std::string("\x01\x15\x16\x17\x18"));
}

TEST(FieldMaskTest, WhatAFieldIsStaysAsItWas) {
  Field flags = MakeField("flags", FieldKind::kU16, 4, 2, FieldDisplay::kFlags);
  flags.unit = "bits";
  flags.documentation = "Which.";
  flags.names = {{1, "UP"}, {2, "RUNNING"}};
  const Schema schema = OfFields({MakeField("a", FieldKind::kU32, 0, 4), flags}, 8);
  const auto mask = Compile({"flags"}, schema);
  const Field& left = mask->schema->types.at(0).fields.at(0);
  EXPECT_EQ(left.display, flags.display);
  EXPECT_EQ(left.unit, "bits");
  EXPECT_EQ(left.documentation, "Which.");
  ASSERT_EQ(left.names.size(), 2u);
  EXPECT_EQ(left.names[1].name, "RUNNING");
}

TEST(FieldMaskTest, SchemaThatIsLeftHasAnIdOfItsOwn) {
  const Schema schema =
      OfFields({MakeField("a", FieldKind::kU32, 0, 4), MakeField("b", FieldKind::kU32, 4, 4)}, 8);
  const auto a = Compile({"a"}, schema)->schema;
  const auto b = Compile({"b"}, schema)->schema;
  EXPECT_NE(a->id, schema.id);
  EXPECT_NE(a->id, b->id);
  EXPECT_EQ(a->id, SchemaId(*a));
  // The same fields are the same schema, however they are asked for.
  EXPECT_EQ(Compile({"fact.a", "a"}, schema)->schema->id, a->id);
  // And all of them, where there is nothing to leave out, the channel's own.
  EXPECT_EQ(Compile({"b", "a"}, schema)->schema->id, schema.id);
}

TEST(FieldMaskTest, MemberOfAStructureIsCutOutOfIt) {
  const Schema schema = OfFields({MakeField("id", FieldKind::kU32, 0, 4),
                                  MakeStruct("local", 4, 12, 12,
                                             {MakeField("port", FieldKind::kU16, 0, 2),
                                              MakeField("ip", FieldKind::kBytes, 4, 4),
                                              MakeField("mark", FieldKind::kU8, 8, 1)})},
                                 16);
  EXPECT_EQ(Layout({"local.ip"}, schema), "4: local 0+4 of 4 (ip 0+4)");
  EXPECT_EQ(Layout({"local.port", "id", "local.mark"}, schema),
            "7: id 0+4, local 4+3 of 3 (port 0+2, mark 2+1)");
  EXPECT_EQ(Layout({"local.ip", "local"}, schema),
            "7: local 0+7 of 7 (port 0+2, ip 2+4, mark 6+1)");
  EXPECT_EQ(Cut(*Compile({"local.port", "local.mark"}, schema), 1, Counting(16)),
            std::string("\x05\x06\x0d"));
}

TEST(FieldMaskTest, MemberOfAnArrayOfStructuresIsCutOutOfEachElement) {
  const Schema schema = OfFields({MakeStruct("peers", 0, 24, 8,
                                             {MakeField("port", FieldKind::kU16, 0, 2),
                                              MakeField("ip", FieldKind::kBytes, 4, 4)})},
                                 24);
  EXPECT_EQ(Layout({"peers.port"}, schema), "6: peers 0+6 of 2 (port 0+2)");
  const auto mask = Compile({"peers.port"}, schema);
  EXPECT_EQ(Cut(*mask, 1, Counting(24)), std::string("\x01\x02\x09\x0a\x11\x12"));
  EXPECT_TRUE(SaysTheSame(schema, *mask, 1, Counting(24)));
}

TEST(FieldMaskTest, StructureInAStructureIsCutToo) {
  const Field inner =
      MakeStruct("inner", 4, 16, 8,
                 {MakeField("x", FieldKind::kU32, 0, 4), MakeField("y", FieldKind::kU16, 4, 2)});
  const Schema schema =
      OfFields({MakeStruct("outer", 8, 40, 20, {MakeField("z", FieldKind::kU8, 0, 1), inner})}, 48);
  EXPECT_EQ(Layout({"outer.inner.y"}, schema), "8: outer 0+8 of 4 (inner 0+4 of 2 (y 0+2))");
  const std::string payload = Counting(48);
  for (const Paths& paths : {Paths{"outer.inner.y"}, Paths{"outer.z"}, Paths{"outer"},
                             Paths{"outer.inner", "outer.z"}}) {
    EXPECT_TRUE(SaysTheSame(schema, *Compile(paths, schema), 1, payload)) << paths[0];
  }
}

TEST(FieldMaskTest, ArrayIsLeftAsAWhole) {
  const Schema schema = OfFields(
      {MakeField("a", FieldKind::kU32, 0, 4), MakeField("values", FieldKind::kU16, 4, 10)}, 16);
  EXPECT_EQ(Layout({"values"}, schema), "10: values 0+10");
  EXPECT_TRUE(SaysTheSame(schema, *Compile({"values"}, schema), 1, Counting(16)));
}

// ---- Which types and paths --------------------------------------------------------

Schema TwoTypes() {
  return MakeSchema(
      {{1,
        "open",
        "",
        Direction::kToUser,
        8,
        {MakeField("pid", FieldKind::kU32, 0, 4), MakeField("flags", FieldKind::kU32, 4, 4)}},
       {2,
        "close",
        "",
        Direction::kToUser,
        8,
        {MakeField("pid", FieldKind::kU32, 0, 4), MakeField("open", FieldKind::kU32, 4, 4)}},
       {3,
        "command",
        "",
        Direction::kToKernel,
        4,
        {MakeField("argument", FieldKind::kU32, 0, 4)}}});
}

std::vector<std::string> Layouts(const Paths& paths) {
  std::vector<std::string> layouts;
  const auto mask = Compile(paths, TwoTypes());
  for (const RecordType& type : mask->schema->types) {
    layouts.push_back(type.name + " " + LayoutText(type));
  }
  return layouts;
}

TEST(FieldMaskTest, PathIsOfEveryTypeThatHasTheField) {
  EXPECT_EQ(Layouts({"pid"}), (Paths{"open 4: pid 0+4", "close 4: pid 0+4"}));
}

TEST(FieldMaskTest, TypeThatNoPathMatchesHasNoPayload) {
  EXPECT_EQ(Layouts({"flags"}), (Paths{"open 4: flags 0+4", "close 0: "}));
  EXPECT_EQ(Cut(*Compile({"flags"}, TwoTypes()), 2, Counting(8)), "");
}

TEST(FieldMaskTest, PathMayBeginWithTheTypesName) {
  EXPECT_EQ(Layouts({"close.pid"}), (Paths{"open 0: ", "close 4: pid 0+4"}));
}

TEST(FieldMaskTest, TypesNameIsAllOfItsFieldsUnlessAFieldHasThatName) {
  EXPECT_EQ(Layouts({"open"}), (Paths{"open 8: pid 0+4, flags 4+4", "close 4: open 0+4"}));
}

TEST(FieldMaskTest, HeaderIsThereWithoutBeingAskedFor) {
  for (const char* path :
       {"record", "record.cpu", "record.sequence", "record.type", "record.boottime_ns"}) {
    EXPECT_EQ(Layouts({path}), (Paths{"open 0: ", "close 0: "})) << path;
  }
}

std::string Refusal(const Paths& paths) {
  const auto mask = FieldMask::Make(paths);
  if (!mask.ok()) return std::string(mask.status().message());
  const auto schema = std::make_shared<const Schema>(TwoTypes());
  return std::string((*mask)->Check({schema}).message());
}

TEST(FieldMaskTest, PathThatNoSchemaHasIsRefused) {
  EXPECT_EQ(Refusal({"pid", "flags", "open.flags", "record.cpu"}), "");
  EXPECT_EQ(Refusal({"pid", "pif"}),
            "[1]: no selected channel has a field `pif`; there are: pid flags open");
  for (const char* path : {"pid.x", "open.open", "close.flags", "record.size", "record.cpu.x",
                           "argument", "command", "command.argument", "PID", "pid "}) {
    EXPECT_EQ(Refusal({path}), "[0]: no selected channel has a field `" + std::string(path) +
                                   "`; there are: pid flags open");
  }
}

TEST(FieldMaskTest, PathThatIsNoneIsRefused) {
  for (const char* path : {"", ".", ".pid", "pid.", "a..b"}) {
    EXPECT_EQ(Refusal({"pid", path}),
              "[1]: `" + std::string(path) + "` is no path of a field, as `a` or `a.b`");
  }
  EXPECT_EQ(Refusal({std::string(513, 'x')}), "[0]: is longer than 512 bytes");
  EXPECT_EQ(Refusal(Paths(129, "pid")), "[128]: at most 128 are allowed");
  EXPECT_EQ(Refusal(Paths(128, "pid")), "");
}

TEST(FieldMaskTest, OneOfSeveralSchemasThatHasThePathIsEnough) {
  const auto mask = FieldMask::Make({"a", "pid"});
  const auto first = std::make_shared<const Schema>(TwoTypes());
  const auto second =
      std::make_shared<const Schema>(OfFields({MakeField("a", FieldKind::kU8, 0, 1)}, 1));
  EXPECT_FALSE((*mask)->Check({first}).ok());
  EXPECT_TRUE((*mask)->Check({first, second}).ok());
  EXPECT_TRUE((*mask)->Check({}).ok());
  EXPECT_EQ((*mask)->MissingIn(*(*mask)->CompiledFor(*second)), Paths{"pid"});
}

TEST(FieldMaskTest, MasksOfTheSamePathsAreOne) {
  FieldMasks masks;
  const auto first = *masks.Get({"a", "b"});
  EXPECT_EQ(*masks.Get({"a", "b"}), first);
  EXPECT_NE(*masks.Get({"a"}), first);
  const Schema schema = TwoTypes();
  EXPECT_EQ(first->CompiledFor(schema), first->CompiledFor(schema));
}

// ---- Variable length ---------------------------------------------------------------

class LocTest : public ::testing::TestWithParam<ByteOrder> {
 protected:
  bool is_big_endian() const { return GetParam() == ByteOrder::kBig; }
  Schema schema() const {
    return OfFields(
        {MakeField("name", FieldKind::kStringLoc, 0, 4), MakeField("pid", FieldKind::kU32, 4, 4),
         MakeField("fill", FieldKind::kBytesLoc, 8, 4)},
        12, GetParam());
  }
  std::string Payload(uint32_t name, uint32_t fill, const std::string& tail) const {
    std::string payload = Counting(12);
    PutU32(payload, 0, name, is_big_endian());
    PutU32(payload, 8, fill, is_big_endian());
    return payload + tail;
  }
};

INSTANTIATE_TEST_SUITE_P(ByteOrders, LocTest,
                         ::testing::Values(ByteOrder::kLittle, ByteOrder::kBig));

TEST_P(LocTest, WhatItPointsToComesAlong) {
  const std::string payload = Payload(Loc(12, 5), Loc(17, 3), std::string("bash\0xyz", 8));
  const auto fill = Compile({"fill"}, schema());
  std::string expected(4, '\0');
  PutU32(expected, 0, Loc(4, 3), is_big_endian());
  EXPECT_EQ(Cut(*fill, 1, payload), expected + "xyz");
  for (const Paths& paths : {Paths{"name"}, Paths{"fill"}, Paths{"pid"}, Paths{"name", "fill"}}) {
    EXPECT_TRUE(SaysTheSame(schema(), *Compile(paths, schema()), 1, payload)) << paths[0];
  }
}

TEST_P(LocTest, BytesThatTwoShareComeOnce) {
  const auto mask = Compile({"name", "fill"}, schema());
  const std::string tail = "0123456789";
  for (const auto& [name, fill] : {std::pair(Loc(12, 10), Loc(14, 3)),
                                   {Loc(14, 3), Loc(12, 10)},
                                   {Loc(12, 6), Loc(15, 7)},
                                   {Loc(12, 10), Loc(12, 10)}}) {
    const std::string payload = Payload(name, fill, tail);
    EXPECT_TRUE(SaysTheSame(schema(), *mask, 1, payload));
    EXPECT_EQ(Cut(*mask, 1, payload).size(), 8 + tail.size());
  }
}

TEST_P(LocTest, OneThatPointsNowhereStillDoes) {
  const auto mask = Compile({"name", "fill"}, schema());
  for (const uint32_t wrong : {Loc(12, 11), Loc(23, 0), Loc(65535, 65535), Loc(65535, 0)}) {
    EXPECT_TRUE(SaysTheSame(schema(), *mask, 1, Payload(wrong, Loc(12, 2), "0123456789")));
    EXPECT_TRUE(SaysTheSame(schema(), *mask, 1, Payload(Loc(12, 2), wrong, "0123456789")));
  }
}

TEST_P(LocTest, EmptyOneIsEmptyAndNotAbsent) {
  const auto mask = Compile({"name", "fill"}, schema());
  EXPECT_TRUE(SaysTheSame(schema(), *mask, 1, Payload(0, Loc(12, 0), "")));
}

TEST_P(LocTest, OneThatPointsIntoTheFixedPartComesToo) {
  const auto mask = Compile({"fill"}, schema());
  EXPECT_TRUE(SaysTheSame(schema(), *mask, 1, Payload(0, Loc(2, 5), "xyz")));
}

TEST_P(LocTest, OnesInStructuresComeToo) {
  const Schema nested = OfFields({MakeStruct("parts", 0, 16, 8,
                                             {MakeField("size", FieldKind::kU32, 0, 4),
                                              MakeField("name", FieldKind::kStringLoc, 4, 4)})},
                                 16, GetParam());
  std::string payload = Counting(16);
  PutU32(payload, 4, Loc(18, 2), is_big_endian());
  PutU32(payload, 12, Loc(16, 2), is_big_endian());
  payload += "abcd";
  for (const Paths& paths : {Paths{"parts.name"}, Paths{"parts"}, Paths{"parts.size"}}) {
    EXPECT_TRUE(SaysTheSame(nested, *Compile(paths, nested), 1, payload)) << paths[0];
  }
}

TEST(FieldMaskTest, TextToTheEndComesUpToItsNul) {
  const Schema schema = OfFields(
      {MakeField("level", FieldKind::kU8, 0, 1), MakeField("caller", FieldKind::kStringLoc, 4, 4),
       MakeField("text", FieldKind::kStringRest, 8, 0)},
      8);
  std::string payload = Counting(8);
  PutU32(payload, 4, Loc(12, 2));
  payload += std::string("abc\0T7", 6);
  EXPECT_EQ(Layout({"text", "level"}, schema), "1: level 0+1, text 1+0");
  EXPECT_EQ(Cut(*Compile({"text", "level"}, schema), 1, payload),
            "\x01"
            "abc");
  for (const Paths& paths :
       {Paths{"text"}, Paths{"caller"}, Paths{"text", "caller"}, Paths{"level"}}) {
    EXPECT_TRUE(SaysTheSame(schema, *Compile(paths, schema), 1, payload)) << paths[0];
  }
  EXPECT_TRUE(SaysTheSame(schema, *Compile({"text", "caller"}, schema), 1, payload.substr(0, 8)));
}

TEST(FieldMaskTest, RestMayBeginInThePaddingOfTheFixedPart) {
  const Schema schema =
      OfFields({MakeField("a", FieldKind::kU32, 0, 4), MakeField("b", FieldKind::kU8, 4, 1),
                MakeField("rest", FieldKind::kBytesRest, 5, 0)},
               8);
  EXPECT_EQ(Layout({"b", "rest"}, schema), "1: b 0+1, rest 1+0");
  EXPECT_EQ(Cut(*Compile({"b", "rest"}, schema), 1, Counting(9)),
            std::string("\x05\x06\x07\x08\x09"));
}

// ---- What cannot be cut, and what is too short --------------------------------------

TEST(FieldMaskTest, WhatCannotBeCutKeepsItsLayout) {
  const Field a = MakeField("a", FieldKind::kU32, 0, 4);
  Field unknown = MakeField("u", FieldKind::kBytesRest, 4, 4);
  unknown.kind = 17;
  const std::vector<std::vector<Field>> layouts = {
      {a, MakeField("u", FieldKind::kU32, 2, 4)},   // overlaps
      {MakeField("u", FieldKind::kU32, 4, 4), a},   // not in order
      {a, unknown},                                 // of a kind to come
      {a, MakeField("u", FieldKind::kU32, 6, 4)},   // leaves its type
      {a, MakeField("u", FieldKind::kU32, 4, 0)},   // has no bytes
      {MakeField("a", FieldKind::kBytesLoc, 0, 4),  // are they the rest's?
       MakeField("u", FieldKind::kBytesRest, 4, 0)},
      {a, MakeStruct("u", 4, 4, 3, {MakeField("m", FieldKind::kU8, 0, 1)})},  // no whole elements
      {a, MakeStruct("u", 4, 4, 0, {MakeField("m", FieldKind::kU8, 0, 1)})},
  };
  for (const std::vector<Field>& fields : layouts) {
    std::vector<Field> more = fields;
    more.insert(more.begin(), MakeField("unasked", FieldKind::kU8, 0, 0));
    const Schema schema = OfFields(more, 8);
    const auto mask = Compile({"a", "u"}, schema);
    const RecordType& left = mask->schema->types.at(0);
    ASSERT_EQ(left.fields.size(), 2u);
    EXPECT_EQ(left.size_bytes, 8u);
    EXPECT_EQ(left.fields[0].offset, fields[0].offset);
    EXPECT_EQ(left.fields[1].offset, fields[1].offset);
    EXPECT_EQ(Cut(*mask, 1, Counting(11)), Counting(11));
  }
}

TEST(FieldMaskTest, ThousandsOfPiecesAreNotCutOut) {
  const auto layout = [](uint32_t count) {
    const Schema schema = OfFields(
        {MakeStruct("many", 0, 3 * count, 3, {MakeField("m", FieldKind::kU8, 1, 1)})}, 3 * count);
    return Layout({"many"}, schema);
  };
  EXPECT_EQ(layout(4096), "4096: many 0+4096 of 1 (m 0+1)");
  EXPECT_EQ(layout(4097), "12291: many 0+12291 of 3 (m 1+1)");
}

TEST(FieldMaskTest, TypeThatTheSchemaLacksIsGivenWhole) {
  EXPECT_EQ(Cut(*Compile({"pid"}, TwoTypes()), 9, Counting(8)), Counting(8));
}

TEST(FieldMaskTest, WhatAShortPayloadLacksStaysAbsent) {
  const Schema schema = OfFields(
      {MakeField("a", FieldKind::kU16, 0, 2), MakeField("b", FieldKind::kU32, 4, 8),
       MakeField("c", FieldKind::kBytes, 12, 5), MakeField("name", FieldKind::kStringLoc, 20, 4)},
      24);
  std::string payload = Counting(24);
  PutU32(payload, 20, Loc(0, 3));
  for (const Paths& paths : {Paths{"a", "c"}, Paths{"b", "name"}, Paths{"a", "b", "c", "name"}}) {
    const auto mask = Compile(paths, schema);
    for (size_t size = 0; size <= payload.size(); ++size) {
      EXPECT_TRUE(SaysTheSame(schema, *mask, 1, std::string_view(payload).substr(0, size)))
          << paths[0] << " of " << size << " bytes";
    }
  }
}

}  // namespace
}  // namespace kchan::hub
