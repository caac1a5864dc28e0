// SPDX-License-Identifier: Apache-2.0
#include "kchan/format.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "batches.h"
#include "kchan/encode.h"
#include "schemas.h"

namespace kchan {
namespace {

using namespace std::string_literals;

// A schema with one field, shown.
struct OneField {
  OneField(v1::FieldKind kind, uint32_t size_bytes,
           v1::FieldDisplay display = v1::FIELD_DISPLAY_UNSPECIFIED,
           v1::ByteOrder order = v1::BYTE_ORDER_LITTLE_ENDIAN) {
    proto = OneType(size_bytes, order);
    field = AddField(proto.mutable_types(0), "f", kind, 0, size_bytes, display);
  }
  std::shared_ptr<const Schema> Make() const { return *Schema::Make(proto); }
  std::string Text(const std::string& payload) const {
    std::string out;
    AppendFieldsText(*Make()->FindType(1), payload, &out);
    return out;
  }
  std::string Json(const std::string& payload) const {
    std::string out;
    const auto schema = Make();
    AppendFieldsJson(*schema->FindType(1), payload, &out);
    return out;
  }
  // The payload of {"f": json}, or the error's text.
  std::string Encode(const std::string& json) const {
    const auto schema = Make();
    const auto payload = EncodeJson(*schema, *schema->FindType(1), "{\"f\":" + json + "}");
    return payload.ok() ? *payload : std::string(payload.status().message());
  }
  v1::Schema proto;
  v1::Field* field;
};

TEST(FormatTest, Integers) {
  const OneField s8(v1::FIELD_KIND_S8, 1);
  EXPECT_EQ(s8.Text("\xff"), "f=-1");
  EXPECT_EQ(s8.Json("\xff"), R"({"f":-1})");
  EXPECT_EQ(s8.Text(""), "f=?");
  EXPECT_EQ(s8.Json(""), R"({"f":null})");
  const OneField u64(v1::FIELD_KIND_U64, 8);
  EXPECT_EQ(u64.Text("\xff\xff\xff\xff\xff\xff\xff\xff"), "f=18446744073709551615");
  const OneField hex(v1::FIELD_KIND_S16, 2, v1::FIELD_DISPLAY_HEX);
  EXPECT_EQ(hex.Text("\xfe\xff"), "f=0xfffe");
  const OneField array(v1::FIELD_KIND_U16, 4);
  EXPECT_EQ(array.Text("\x01\0\x02\0"s), "f=[1,2]");
  EXPECT_EQ(array.Json("\x01\0\x02"s), R"({"f":[1,null]})");
  const OneField boolean(v1::FIELD_KIND_BOOL, 1);
  EXPECT_EQ(boolean.Json("\x01"), R"({"f":true})");
}

TEST(FormatTest, NumbersThatReadersOfJsonWouldRoundAreStrings) {
  const OneField u64(v1::FIELD_KIND_U64, 8);
  EXPECT_EQ(u64.Json("\0\0\0\0\0\0\x20\0"s), R"({"f":9007199254740992})");
  EXPECT_EQ(u64.Json("\x01\0\0\0\0\0\x20\0"s), R"({"f":"9007199254740993"})");
  const OneField s64(v1::FIELD_KIND_S64, 8);
  EXPECT_EQ(s64.Json("\0\0\0\0\0\0\0\x80"s), R"({"f":"-9223372036854775808"})");
}

TEST(FormatTest, EnumsAndFlags) {
  OneField state(v1::FIELD_KIND_U8, 1, v1::FIELD_DISPLAY_ENUM);
  AddName(state.field, 1, "UP");
  EXPECT_EQ(state.Text("\x01"), "f=UP");
  EXPECT_EQ(state.Json("\x01"), R"({"f":"UP"})");
  EXPECT_EQ(state.Text("\x02"), "f=2");
  EXPECT_EQ(state.Json("\x02"), R"({"f":2})");
  OneField flags(v1::FIELD_KIND_U8, 1, v1::FIELD_DISPLAY_FLAGS);
  AddName(flags.field, 1, "UP");
  AddName(flags.field, 4, "RUNNING");
  EXPECT_EQ(flags.Text("\x05"), "f=UP|RUNNING");
  EXPECT_EQ(flags.Text("\x0d"), "f=UP|RUNNING|0x8");
  EXPECT_EQ(flags.Text("\0"s), "f=0x0");
  EXPECT_EQ(flags.Json("\x0d"), R"({"f":["UP","RUNNING","0x8"]})");
  EXPECT_EQ(flags.Json("\0"s), R"({"f":[]})");
}

TEST(FormatTest, Addresses) {
  const OneField v4(v1::FIELD_KIND_U32, 4, v1::FIELD_DISPLAY_IPV4);
  EXPECT_EQ(v4.Text("\x7f\0\0\x01"s), "f=127.0.0.1");
  const OneField v6(v1::FIELD_KIND_BYTES, 16, v1::FIELD_DISPLAY_IPV6);
  EXPECT_EQ(v6.Text("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"s), "f=::1");
  const OneField any(v1::FIELD_KIND_U8, 16, v1::FIELD_DISPLAY_IP);
  EXPECT_EQ(any.Text("\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\x02"s), "f=10.0.0.2");
  EXPECT_EQ(any.Text("\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"s), "f=fe80::1");
  const OneField mac(v1::FIELD_KIND_BYTES, 6, v1::FIELD_DISPLAY_MAC);
  EXPECT_EQ(mac.Text("\x52\x54\0\x12\x34\xff"s), "f=52:54:00:12:34:ff");
  EXPECT_EQ(mac.Json("\x52\x54\0\x12\x34"s), R"({"f":null})");
}

TEST(FormatTest, TextStaysOneLineAndOneWord) {
  const OneField text(v1::FIELD_KIND_STRING, 16);
  EXPECT_EQ(text.Text("bash\0\0\0\0\0\0\0\0\0\0\0\0"s), "f=bash");
  EXPECT_EQ(text.Text("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"s), "f=\"\"");
  EXPECT_EQ(text.Text("a b\nc\"d\\\x1b[2J\0\0\0\0"s), "f=\"a b\\nc\\\"d\\\\\\x1b[2J\"");
  EXPECT_EQ(text.Text("gr\xc3\xbc\xc3\x9f\xff\0\0\0\0\0\0\0\0\0"s), "f=\"grüß\\xff\"");
}

TEST(FormatTest, JsonIsValidWhateverThePayloadHolds) {
  std::mt19937 random(3);
  v1::Schema proto = OneType(64);
  v1::RecordType* type = proto.mutable_types(0);
  AddField(type, "a", v1::FIELD_KIND_STRING, 0, 16);
  AddField(type, "b\"\n", v1::FIELD_KIND_STRING_LOC, 16, 4);
  AddField(type, "c", v1::FIELD_KIND_BYTES_LOC, 20, 4);
  AddField(type, "d", v1::FIELD_KIND_U64, 24, 16);
  AddName(AddField(type, "e", v1::FIELD_KIND_U8, 40, 1, v1::FIELD_DISPLAY_FLAGS), 3, "x\xff");
  AddField(type, "f", v1::FIELD_KIND_BYTES, 48, 16, v1::FIELD_DISPLAY_IP);
  const auto schema = *Schema::Make(proto);
  for (int round = 0; round < 2000; ++round) {
    std::string payload(random() % 80, '\0');
    for (char& c : payload) c = static_cast<char>(random());
    std::string json;
    AppendFieldsJson(*schema->FindType(1), payload, &json);
    google::protobuf::Struct object;
    const auto parsed = google::protobuf::util::JsonStringToMessage(json, &object);
    ASSERT_TRUE(parsed.ok()) << parsed << json;
    ASSERT_EQ(object.fields_size(), 6);
    std::string text;
    AppendFieldsText(*schema->FindType(1), payload, &text);
    for (const char c : text) ASSERT_GE(static_cast<uint8_t>(c), 0x20) << text;
  }
}

TEST(FormatTest, ARecordIsOneJsonObject) {
  v1::Schema proto = OneType(4);
  AddField(proto.mutable_types(0), "pid", v1::FIELD_KIND_U32, 0, 4);
  const auto schema = *Schema::Make(proto);
  v1::Batch message = MakeBatch("exec", 7, 9, 255);
  AddRecord(&message, 7, "\x10\0\0\0"s);
  AddLost(&message, 8, 2);
  message.mutable_lost(0)->set_cpu(1);
  const std::string bytes = message.SerializeAsString();
  BatchView batch;
  ASSERT_TRUE(batch.Parse(bytes).ok());
  std::string json;
  AppendRecordJson("node1", batch, batch.records()[0], schema->FindType(1),
                   NodeClock(1'000'000'000), &json);
  EXPECT_EQ(json, R"({"node":"node1","channel":"exec","epoch":"255","sequence":7,)"
                  R"("time":"1970-01-01T00:00:01.000001007Z","boottime_ns":1007,"cpu":1,)"
                  R"("type":"sample","fields":{"pid":16}})");
  json.clear();
  AppendRecordJson("node1", batch, batch.records()[0], nullptr, NodeClock(), &json);
  EXPECT_NE(json.find(R"("type":1,"payload":"10000000"})"), std::string::npos) << json;
  json.clear();
  AppendLostJson("node1", batch, batch.lost()[0], &json);
  EXPECT_EQ(json, R"({"node":"node1","channel":"exec","epoch":"255","lost":{"first_sequence":8,)"
                  R"("count":2,"stage":"KERNEL_RING","cpu":1,"cause":""}})");
}

TEST(EncodeTest, WritesWhatFormatReads) {
  for (const auto order : {v1::BYTE_ORDER_LITTLE_ENDIAN, v1::BYTE_ORDER_BIG_ENDIAN}) {
    v1::Schema proto = OneType(80, order);
    v1::RecordType* type = proto.mutable_types(0);
    AddField(type, "u", v1::FIELD_KIND_U64, 0, 8);
    AddField(type, "s", v1::FIELD_KIND_S16, 8, 4);
    AddName(AddField(type, "e", v1::FIELD_KIND_U8, 12, 1, v1::FIELD_DISPLAY_ENUM), 7, "SEVEN");
    AddName(AddField(type, "g", v1::FIELD_KIND_U8, 13, 1, v1::FIELD_DISPLAY_FLAGS), 2, "TWO");
    AddField(type, "b", v1::FIELD_KIND_BOOL, 14, 1);
    AddField(type, "t", v1::FIELD_KIND_STRING, 16, 8);
    AddField(type, "x", v1::FIELD_KIND_BYTES, 24, 4);
    AddField(type, "l", v1::FIELD_KIND_STRING_LOC, 28, 4);
    AddField(type, "k", v1::FIELD_KIND_BYTES_LOC, 32, 4);
    AddField(type, "ip", v1::FIELD_KIND_BYTES, 36, 16, v1::FIELD_DISPLAY_IP);
    AddField(type, "mac", v1::FIELD_KIND_BYTES, 52, 6, v1::FIELD_DISPLAY_MAC);
    const auto schema = *Schema::Make(proto);
    const std::string json =
        R"({"u":"18446744073709551615","s":[-1,2],"e":"SEVEN","g":["TWO","0x8"],"b":true,)"
        R"("t":"bash","x":"00ff10ab","l":"a longer text","k":"beef","ip":"10.0.0.2",)"
        R"("mac":"52:54:00:12:34:ff"})";
    const auto payload = EncodeJson(*schema, *schema->FindType(1), json);
    ASSERT_TRUE(payload.ok()) << payload.status();
    std::string back;
    AppendFieldsJson(*schema->FindType(1), *payload, &back);
    EXPECT_EQ(back, json);
  }
}

TEST(EncodeTest, FieldsLeftOutAreZero) {
  const OneField field(v1::FIELD_KIND_U32, 4);
  const auto schema = field.Make();
  EXPECT_EQ(*EncodeJson(*schema, *schema->FindType(1), "{}"), "\0\0\0\0"s);
}

TEST(EncodeTest, ErrorsNameTheFieldAndWhatItTakes) {
  const OneField u8(v1::FIELD_KIND_U8, 1);
  EXPECT_EQ(u8.Encode("256"), "field 'f' is out of range: 0 to 255");
  EXPECT_EQ(u8.Encode("-1"), "field 'f' is out of range: 0 to 255");
  EXPECT_EQ(u8.Encode("1.5"), "field 'f' is not a whole number");
  EXPECT_EQ(u8.Encode("255"), "\xff");
  EXPECT_EQ(u8.Encode("\"0xfe\""), "\xfe");
  const OneField s8(v1::FIELD_KIND_S8, 1);
  EXPECT_EQ(s8.Encode("-128"), "\x80");
  EXPECT_EQ(s8.Encode("128"), "field 'f' is out of range: -128 to 127");
  const OneField u64(v1::FIELD_KIND_U64, 8);
  EXPECT_EQ(u64.Encode("9007199254740994"), "field 'f' is beyond 2^53: write it as a string");
  OneField state(v1::FIELD_KIND_U8, 1, v1::FIELD_DISPLAY_ENUM);
  AddName(state.field, 1, "UP");
  AddName(state.field, 2, "DOWN");
  EXPECT_EQ(state.Encode("\"LEFT\""), "field 'f' is 'LEFT', but takes a number or one of UP, DOWN");
  const OneField text(v1::FIELD_KIND_STRING, 4);
  EXPECT_EQ(text.Encode("\"12345\""), "field 'f' holds 4 bytes, not 5");
  EXPECT_EQ(text.Encode("5"), "field 'f' takes a string");
  const OneField mac(v1::FIELD_KIND_BYTES, 6, v1::FIELD_DISPLAY_MAC);
  EXPECT_EQ(mac.Encode("\"52:54\""), "field 'f' is not an address of its kind");
  const auto schema = u8.Make();
  EXPECT_EQ(EncodeJson(*schema, *schema->FindType(1), R"({"g":1})").status().message(),
            "type 'sample' has no field 'g': it has f");
  EXPECT_FALSE(EncodeJson(*schema, *schema->FindType(1), "[1]").ok());
  EXPECT_FALSE(EncodeJson(*schema, *schema->FindType(1), "{\"f\":").ok());
}

}  // namespace
}  // namespace kchan
