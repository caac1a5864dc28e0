// SPDX-License-Identifier: Apache-2.0
// What each comparison means to each kind of field.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "bridge/hub/filter_compile.h"
#include "bridge/hub/filter_values.h"
#include "tests/unit/hub/filter_testing.h"

namespace kchan::hub {
namespace {

using namespace std::string_literals;
using testing::MakeField;
using testing::MakeSchema;
using testing::MakeStruct;

constexpr uint32_t kType = 1;

Field Named(Field field, std::vector<NamedValue> names) {
  field.names = std::move(names);
  return field;
}
Field InUnit(Field field, const std::string& unit) {
  field.unit = unit;
  return field;
}

// One field of every kind and display; kPayload fills them.
std::vector<Field> AllFields() {
  using K = FieldKind;
  using D = FieldDisplay;
  return {
      MakeField("u8", K::kU8, 0, 1),
      MakeField("s8", K::kS8, 1, 1),
      MakeField("u16", K::kU16, 2, 2),
      MakeField("s16", K::kS16, 4, 2),
      MakeField("port", K::kU16, 6, 2, D::kPort),
      MakeField("u32", K::kU32, 8, 4, D::kHex),
      MakeField("s32", K::kS32, 12, 4),
      InUnit(MakeField("u64", K::kU64, 16, 8), "us"),
      MakeField("s64", K::kS64, 24, 8),
      MakeField("yes", K::kBool, 32, 1),
      MakeField("no", K::kBool, 33, 1),
      Named(MakeField("action", K::kU8, 34, 1, D::kEnum), {{1, "up"}, {2, "down"}}),
      Named(MakeField("flags", K::kU8, 35, 1, D::kFlags),
            {{0, "none"}, {1, "up"}, {2, "running"}, {4, "noarp"}}),
      MakeField("comm", K::kString, 36, 8),
      MakeField("raw", K::kBytes, 44, 3),
      MakeField("ipv4", K::kU32, 47, 4, D::kIpv4),
      MakeField("mac", K::kBytes, 51, 6, D::kMac),
      MakeField("ip", K::kBytes, 57, 16, D::kIp),
      MakeField("ipv6", K::kU8, 73, 16, D::kIpv6),
      MakeField("values", K::kU16, 89, 6),
      MakeStruct("peers", 95, 8, 4,
                 {MakeField("port", K::kU16, 0, 2), MakeField("id", K::kU8, 2, 2)}),
      MakeField("path", K::kStringLoc, 103, 4),
      MakeField("blob", K::kBytesLoc, 107, 4),
      MakeStruct("local", 111, 2, 2, {MakeField("port", K::kU16, 0, 2)}),
      MakeField("note", K::kStringRest, 113, 0),
  };
}

std::string Number(uint64_t value, size_t bytes, ByteOrder order) {
  std::string text;
  for (size_t i = 0; i < bytes; ++i) {
    text += static_cast<char>(value >> (8 * (order == ByteOrder::kBig ? bytes - 1 - i : i)));
  }
  return text;
}

std::string Payload(ByteOrder order) {
  const auto number = [order](uint64_t value, size_t bytes) { return Number(value, bytes, order); };
  std::string payload =
      number(200, 1) + number(-5, 1) + number(60000, 2) + number(-300, 2) + number(443, 2) +
      number(0xdeadbeef, 4) + number(-70000, 4) + number(5'000'000'000, 8) + number(INT64_MIN, 8) +
      "\x02"s + "\0"s + "\x02"s + "\x03"s + "bash\0xyz"s + "\x00\xff\x10"s + "\x0a\x01\x02\x03"s +
      "\x52\x54\x00\x12\x34\x56"s + std::string(10, '\0') + "\xff\xff"s + "\xc0\xa8\x00\x01"s +
      "\xfe\x80"s + std::string(13, '\0') + "\x01"s + number(3, 2) + number(5, 2) + number(7, 2) +
      number(53, 2) + "\x01\x02"s + number(443, 2) + "\x03\x04"s;
  // The texts stand behind the rest's beginning, so the rest has a NUL first.
  payload += number((113 + 5) | 8 << 16, 4) + number((113 + 13) | 2 << 16, 4) + number(22, 2);
  payload += "note\0"s + "/bin/ls\0"s + "\xab\xcd"s;
  return payload;
}

RecordView Record(const std::string& payload) {
  return {
      .sequence = 77, .boottime_ns = 3'000'000'000, .cpu = 2, .type = kType, .payload = payload};
}

class FilterEvalTest : public ::testing::TestWithParam<ByteOrder> {
 protected:
  Schema AllKinds() const {
    return MakeSchema({{kType, "fact", "", Direction::kToUser, 113, AllFields()}}, GetParam());
  }

  bool Matches(const std::string& text) const {
    const auto syntax = ParseFilter(text);
    EXPECT_TRUE(syntax.ok()) << text << ": " << syntax.status();
    if (!syntax.ok()) return false;
    const Schema schema = AllKinds();
    const std::string payload = Payload(GetParam());
    const CompiledFilter compiled = CompileFilter(*syntax, &schema);
    for (const TermOutcome& term : compiled.terms) EXPECT_TRUE(term.fits) << text << term.problem;
    return compiled.program.Matches(Record(payload));
  }

  // Why it cannot be compared so.
  std::string Problem(const std::string& text) const {
    const auto syntax = ParseFilter(text);
    EXPECT_TRUE(syntax.ok()) << text << ": " << syntax.status();
    const Schema schema = AllKinds();
    const CompiledFilter compiled = CompileFilter(*syntax, &schema);
    const std::string payload = Payload(GetParam());
    EXPECT_FALSE(compiled.program.Matches(Record(payload))) << text;
    EXPECT_TRUE(compiled.terms.at(0).has_field) << text;
    EXPECT_FALSE(compiled.terms.at(0).fits) << text;
    return compiled.terms.at(0).problem;
  }

  void Holds(const std::vector<std::string>& texts) const {
    for (const std::string& text : texts) {
      EXPECT_TRUE(Matches(text)) << text;
      EXPECT_FALSE(Matches("NOT (" + text + ")")) << text;
    }
  }
  void DoesNotHold(const std::vector<std::string>& texts) const {
    for (const std::string& text : texts) {
      EXPECT_FALSE(Matches(text)) << text;
      EXPECT_TRUE(Matches("NOT (" + text + ")")) << text;
    }
  }
};

TEST_P(FilterEvalTest, NumbersOfEveryWidthCompareWithTheirSign) {
  Holds({"u8 = 200", "u8 = 0xc8", "u8:200", "u8 > 199", "u8 >= 200", "u8 <= 200", "u8 < 201",
         "u8 != 1", "u8 > 0"});
  DoesNotHold({"u8 = 199", "u8 < 200", "u8 > 200", "u8 < 0", "u8 > 255", "u8 != 200"});
  Holds({"s8 = -5", "s8 < 0", "s8 > -6", "s8 >= -128", "s8 <= 127"});
  DoesNotHold({"s8 > 0", "s8 < -128", "s8 > 127", "s8 = 5"});
  Holds({"u16 = 60000", "s16 = -300", "s16 < -299", "port = 443", "u32 = 0xDEADBEEF",
         "s32 = -70000", "s32 < 5", "u64 = 5000000000", "s64 = -9223372036854775808",
         "s64 < 9223372036854775807"});
  DoesNotHold({"s64 < -9223372036854775808", "u64 > 18446744073709551615"});
}

TEST_P(FilterEvalTest, NumberThatDoesNotFitIsNoValueOfTheField) {
  EXPECT_EQ(Problem("u8 = 256"), "takes 0 to 255, not 256");
  EXPECT_EQ(Problem("u8 < 300"), "takes 0 to 255, not 300");
  EXPECT_EQ(Problem("u8 = -1"), "takes 0 to 255, not -1");
  EXPECT_EQ(Problem("s8 = 128"), "takes -128 to 127, not 128");
  EXPECT_EQ(Problem("u32 = bash"), "takes a number, not bash");
  EXPECT_EQ(Problem("u32 = 1.5"), "takes a number, not 1.5");
  EXPECT_EQ(Problem("u32 = \"\""), "takes a number, not \"\"");
  EXPECT_EQ(Problem("u32 = 18446744073709551616"), "takes a number, not 18446744073709551616");
  EXPECT_EQ(Problem("u32 = 1*"), "takes a number, not 1*");
}

TEST_P(FilterEvalTest, DurationsAreInTheFieldsUnit) {
  Holds({"u64 = 5000s", "u64 > 1h", "u64 < 1.5h", "u64 = 5000000ms", "u64 > 83m", "u64 > 500us"});
  EXPECT_EQ(Problem("u64 = 1ns"), "takes a number of us or a duration like 5ms, not 1ns");
  EXPECT_EQ(Problem("u32 = 1ms"), "takes a number, not 1ms");
  Holds({"record.boottime_ns = 3s", "record.boottime_ns >= 2.999999999s"});
}

TEST_P(FilterEvalTest, AnyByteButZeroIsTrue) {
  Holds({"yes = true", "yes:true", "yes = 1", "yes != false", "no = false", "no = 0"});
  DoesNotHold({"yes = false", "no = true", "no != false"});
  EXPECT_EQ(Problem("yes = 2"), "takes 0 to 1, not 2");
  EXPECT_EQ(Problem("yes = maybe"), "takes true or false, not maybe");
  EXPECT_EQ(Problem("yes > false"), "is true or false, and takes = != and :, not false");
}

TEST_P(FilterEvalTest, NamesStandForValues) {
  Holds({"action = down", "action:down", "action = 2", "action > up", "action != up"});
  DoesNotHold({"action = up", "action < down"});
  EXPECT_EQ(Problem("action = sideways"), "takes a number or one of up down, not sideways");
}

TEST_P(FilterEvalTest, FlagIsThereIfAllItsBitsAre) {
  Holds({"flags:up", "flags:running", "flags:up|running", "flags = up|running", "flags:0x3",
         "flags = 3", "flags != up"});
  DoesNotHold({"flags:noarp", "flags:up|noarp", "flags = up", "flags:none", "flags = none"});
  EXPECT_EQ(Problem("flags:down"), "takes a number or one of none up running noarp, not down");
}

TEST_P(FilterEvalTest, TextCompares) {
  Holds({"comm = bash", "comm = \"bash\"", "comm = ba*", "comm = *sh", "comm = *as*", "comm = *",
         "comm:as", "comm:bash", "comm:\"\"", "comm != zsh", "comm != z*", "comm > abc", "comm < c",
         "comm <= bash", "comm >= bash"});
  DoesNotHold({"comm = Bash", "comm = bas", "comm = bashx", "comm = as*", "comm = *ba", "comm:x",
               "comm < bash", "comm > bash", "comm != ba*"});
  Holds({"path = /bin/ls", "path = /bin/*", "path:bin", "note = note", "note = n*"});
  DoesNotHold({"note:bin", "path = /bin/x*"});
  EXPECT_EQ(Problem("comm:a*"),
            "takes a `*` at the start or end of a text with = and != only, not a*");
}

TEST_P(FilterEvalTest, BytesCompareAsHexadecimalDigits) {
  Holds({"raw = 00ff10", "raw = 0x00FF10", "raw = 00*", "raw = *ff10", "raw:ff", "blob = abcd"});
  DoesNotHold({"raw = 00ff", "raw:ab"});
  EXPECT_EQ(Problem("raw = xyz"), "takes bytes as hexadecimal digits in pairs, not xyz");
  EXPECT_EQ(Problem("raw = 0"), "takes bytes as hexadecimal digits in pairs, not 0");
}

TEST_P(FilterEvalTest, AddressesCompareAsNetworks) {
  Holds({"ipv4 = 10.1.2.3", "ipv4 = 10.0.0.0/8", "ipv4:10.0.0.0/8", "ipv4 = 0.0.0.0/0",
         "ipv4 != 11.0.0.0/8", "ipv4 = \"10.1.2.2/31\""});
  DoesNotHold({"ipv4 = 10.1.2.4", "ipv4 = 10.1.2.4/30", "ipv4 = 10.1.2.4/32"});
  Holds({"ip = 192.168.0.1", "ip = 192.168.0.0/16", "ip = ::ffff:192.168.0.1", "ip = ::/0"});
  DoesNotHold({"ip = 192.169.0.0/16", "ip = fe80::1"});
  Holds({"ipv6 = fe80::1", "ipv6 = fe80::/10", "ipv6 != ::1"});
  Holds({"mac = 52:54:00:12:34:56"});
  EXPECT_EQ(Problem("ipv4 = 10.0.0.0/33"),
            "takes an address or a network, like 10.0.0.1 or 10.0.0.0/8, not 10.0.0.0/33");
  EXPECT_EQ(Problem("ipv4 = ::1"),
            "takes an address or a network, like 10.0.0.1 or 10.0.0.0/8, not ::1");
  EXPECT_EQ(Problem("ip = 10.0.0.1/"),
            "takes an address or a network, like 10.0.0.0/8 or fe80::1, not 10.0.0.1/");
  EXPECT_EQ(Problem("mac = 52:54"), "takes an address like 52:54:00:12:34:56, not 52:54");
  EXPECT_EQ(Problem("ipv4 > 10.0.0.0"), "is an address, and takes = != and :, not 10.0.0.0");
}

TEST_P(FilterEvalTest, ArrayComparesIfOneElementDoes) {
  Holds({"values:3", "values = 7", "values > 6", "values < 4", "values != 4"});
  DoesNotHold({"values:4", "values != 5", "values > 7"});
  Holds({"peers.port = 53", "peers.port = 443", "peers.id = 4", "local.port = 22",
         "peers.port = 53 peers.id = 4"});
  DoesNotHold({"peers.port = 22", "peers.port != 443"});
  EXPECT_EQ(Problem("peers = 1"), "is a structure: compare one of its members, not 1");
}

TEST_P(FilterEvalTest, HeaderHasFieldsOfItsOwn) {
  Holds({"record.sequence = 77", "record.cpu = 2", "record.cpu < 3", "record.type = fact",
         "record.type = f*", "record.type:ac", "record.type > a",
         "record.boottime_ns > 2999999999"});
  DoesNotHold({"record.sequence > 77", "record.type = g*"});
  EXPECT_EQ(Problem("record.type = fcat"), "takes the name of a record type, not fcat");
  EXPECT_EQ(Problem("record.cpu = -1"), "takes 0 to 4294967295, not -1");
}

TEST_P(FilterEvalTest, PresenceIsThatTheFieldIsThereAndNotEmpty) {
  Holds({"u8:*", "comm:*", "values:*", "peers:*", "peers.id:*", "mac:*", "path:*", "note:*",
         "record.cpu:*", "record.type:*", "no:*"});
}

TEST_P(FilterEvalTest, LogicIsThatOfTheTexts) {
  Holds({"u8 = 1 OR u8 = 200", "u8 = 200 s8 = -5", "u8 = 200 AND (s8 = 0 OR s16 = -300)",
         "NOT (u8 = 1 OR u8 = 2)", "NOT (u8 = 200 AND s8 = 0)"});
  DoesNotHold({"u8 = 1 OR u8 = 2", "u8 = 200 s8 = 0", "-u8 = 200"});
}

// Every prefix of a payload: what is not whole is not there, and neither a
// comparison nor its negation holds.
TEST_P(FilterEvalTest, FieldOfAShortPayloadIsNotThere) {
  const Schema schema = AllKinds();
  const std::string whole = Payload(GetParam());
  for (const Field& field : schema.types[0].fields) {
    std::vector<std::string> texts;
    switch (static_cast<FieldKind>(field.kind)) {
      case FieldKind::kStruct:
        texts = {field.name + ".port = 1"};
        break;
      case FieldKind::kStringRest:
      case FieldKind::kString:
      case FieldKind::kStringLoc:
        texts = {field.name + " = x"};
        break;
      default:
        texts = {field.name + (IsAddress(field) ? (field.name == "mac"    ? " = 00:00:00:00:00:00"
                                                   : field.name == "ipv4" ? " = 1.1.1.1"
                                                                          : " = ::2")
                               : field.name == "raw" || field.name == "blob" ? " = 99"
                                                                             : " = 1")};
    }
    for (const std::string& text : texts) {
      const auto plain = ParseFilter(text);
      const auto negated = ParseFilter("NOT " + text);
      ASSERT_TRUE(plain.ok() && negated.ok()) << text;
      const CompiledFilter is = CompileFilter(*plain, &schema);
      const CompiledFilter is_not = CompileFilter(*negated, &schema);
      ASSERT_TRUE(is.terms[0].fits) << text << ": " << is.terms[0].problem;
      for (size_t size = 0; size <= whole.size(); ++size) {
        // A copy of its own, so that a sanitizer sees a byte too many.
        const std::vector<char> exact(whole.begin(), whole.begin() + static_cast<long>(size));
        RecordView record = Record(whole);
        record.payload = {exact.data(), exact.size()};
        if (field.offset + field.size_bytes > size &&
            static_cast<FieldKind>(field.kind) != FieldKind::kStruct && field.name != "values") {
          EXPECT_FALSE(is.program.Matches(record)) << text << " in " << size;
          EXPECT_FALSE(is_not.program.Matches(record)) << text << " in " << size;
        }
        EXPECT_EQ(is.program.Matches(record), testing::NaivelyMatches(*plain, &schema, record))
            << text << " in " << size;
        EXPECT_EQ(is_not.program.Matches(record),
                  testing::NaivelyMatches(*negated, &schema, record))
            << text << " in " << size;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Orders, FilterEvalTest,
                         ::testing::Values(ByteOrder::kLittle, ByteOrder::kBig),
                         [](const auto& order) {
                           return order.param == ByteOrder::kBig ? "Big" : "Little";
                         });

TEST(FilterCompileTest, LocThatPointsOutsideThePayloadIsNotThere) {
  const Schema schema = MakeSchema({{kType,
                                     "fact",
                                     "",
                                     Direction::kToUser,
                                     4,
                                     {MakeField("path", FieldKind::kStringLoc, 0, 4)}}});
  const CompiledFilter any = CompileFilter(*ParseFilter("path = *"), &schema);
  EXPECT_TRUE(
      any.program.Matches(Record("\x04\x00\x02\x00"
                                 "ab"s)));
  EXPECT_TRUE(
      any.program.Matches(Record("\x06\x00\x00\x00"
                                 "ab"s)));
  EXPECT_FALSE(
      any.program.Matches(Record("\x04\x00\x03\x00"
                                 "ab"s)));
  EXPECT_FALSE(any.program.Matches(Record("\xff\xff\xff\xff"s)));
  EXPECT_FALSE(
      any.program.Matches(Record("\x07\x00\x00\x00"
                                 "ab"s)));
}

TEST(FilterCompileTest, OneElementIsEnoughForEveryOrderOfTexts) {
  Field names = MakeField("names", FieldKind::kStruct, 0, 4);
  names.element_bytes = 2;
  names.members = {MakeField("text", FieldKind::kString, 0, 2)};
  const Schema schema = MakeSchema({{kType, "fact", "", Direction::kToUser, 4, {names}}});
  const auto matches = [&](const std::string& text) {
    return CompileFilter(*ParseFilter(text), &schema).program.Matches(Record("a\0c\0"s));
  };
  for (const char* text : {"names.text > b", "names.text >= c", "names.text < b", "names.text <= a",
                           "names.text != b", "names.text:c"}) {
    EXPECT_TRUE(matches(text)) << text;
    EXPECT_FALSE(matches("NOT "s + text)) << text;
  }
  for (const char* text : {"names.text > c", "names.text < a", "names.text != a"}) {
    EXPECT_FALSE(matches(text)) << text;
    EXPECT_TRUE(matches("NOT "s + text)) << text;
  }
}

TEST(FilterCompileTest, FieldThatATypeLacksHoldsNeitherWay) {
  const Schema schema =
      MakeSchema({{1, "one", "", Direction::kToUser, 1, {MakeField("a", FieldKind::kU8, 0, 1)}},
                  {2, "two", "", Direction::kToUser, 1, {MakeField("b", FieldKind::kU8, 0, 1)}}});
  const auto matches = [&](const std::string& text, uint32_t type) {
    const CompiledFilter compiled = CompileFilter(*ParseFilter(text), &schema);
    return compiled.program.Matches({.type = type, .payload = "\x05"});
  };
  EXPECT_TRUE(matches("a = 5", 1));
  for (const char* text : {"a = 5", "NOT a = 5", "a != 6", "a:*", "NOT (a = 1 OR a = 2)"}) {
    EXPECT_FALSE(matches(text, 2)) << text;
    EXPECT_FALSE(matches(text, 3)) << text;  // a type that the schema does not have
  }
  EXPECT_TRUE(matches("NOT a:*", 2));
  EXPECT_TRUE(matches("a = 1 OR b = 5", 2));
  EXPECT_TRUE(matches("NOT (a = 1 AND b = 6)", 2));
  EXPECT_FALSE(matches("record.type:*", 3));
  EXPECT_TRUE(matches("record.cpu = 0", 3));
}

TEST(FilterCompileTest, FieldOfACommandIsNoFieldOfRecords) {
  const Schema schema =
      MakeSchema({{1, "one", "", Direction::kToUser, 1, {MakeField("a", FieldKind::kU8, 0, 1)}},
                  {2, "set", "", Direction::kToKernel, 1, {MakeField("b", FieldKind::kU8, 0, 1)}}});
  EXPECT_FALSE(CompileFilter(*ParseFilter("b = 1"), &schema).terms[0].has_field);
  EXPECT_FALSE(CompileFilter(*ParseFilter("record.type = set"), &schema).terms[0].fits);
  EXPECT_FALSE(CompileFilter(*ParseFilter("a = 1"), nullptr).terms[0].has_field);
}

}  // namespace
}  // namespace kchan::hub
