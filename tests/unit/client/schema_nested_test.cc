// SPDX-License-Identifier: Apache-2.0
// Structures in records, arrays of them, and what takes the payload's rest.
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "kchan/encode.h"
#include "kchan/format.h"
#include "kchan/schema.h"
#include "schemas.h"

namespace kchan {
namespace {

using namespace std::string_literals;

std::shared_ptr<const Schema> Make(const v1::Schema& proto) {
  auto schema = Schema::Make(proto);
  EXPECT_TRUE(schema.ok()) << schema.status();
  return schema.ok() ? *schema : nullptr;
}

std::string Text(const Schema& schema, const std::string& payload) {
  std::string out;
  AppendFieldsText(*schema.FindType(1), payload, &out);
  return out;
}

std::string Json(const Schema& schema, const std::string& payload) {
  std::string out;
  AppendFieldsJson(*schema.FindType(1), payload, &out);
  return out;
}

// The payload, or the error's text.
std::string Encode(const Schema& schema, const std::string& json) {
  const auto payload = EncodeJson(schema, *schema.FindType(1), json);
  return payload.ok() ? *payload : std::string(payload.status().message());
}

// local{ip port}, then peers[2]{ip port}, then a count.
v1::Schema Connections(v1::ByteOrder order = v1::BYTE_ORDER_LITTLE_ENDIAN) {
  v1::Schema proto = OneType(28, order);
  v1::RecordType* type = proto.mutable_types(0);
  AddPeer(AddStruct(type, "local", 0, 8, 8));
  AddPeer(AddStruct(type, "peers", 8, 16, 8));
  AddField(type, "count", v1::FIELD_KIND_U32, 24, 4);
  return proto;
}

constexpr char kConnections[] =
    "\x7f\0\0\x01\x50\0\0\0\x0a\0\0\x01\xbb\x01\0\0\x0a\0\0\x02\x35\0\0\0\x02\0\0";
const std::string& ConnectionsPayload() {
  static const std::string payload(kConnections, sizeof(kConnections));
  return payload;
}

TEST(SchemaNestedTest, MembersAreReadInTheirElement) {
  const auto schema = Make(Connections());
  const Field& peers = *schema->FindType(1)->FindField("peers");
  const Field& port = *peers.FindMember("port");
  EXPECT_EQ(peers.element_count(), 2u);
  EXPECT_EQ(peers.FindMember("mac"), nullptr);
  EXPECT_EQ(port.Unsigned(ConnectionsPayload(), 0, peers.ElementBase(0)), 443u);
  EXPECT_EQ(port.Unsigned(ConnectionsPayload(), 0, peers.ElementBase(1)), 53u);
  EXPECT_FALSE(port.Unsigned(ConnectionsPayload(), 0, peers.ElementBase(3)).has_value());
}

TEST(SchemaNestedTest, TextAndJson) {
  const auto schema = Make(Connections());
  EXPECT_EQ(Text(*schema, ConnectionsPayload()),
            "local{ip=127.0.0.1 port=80} "
            "peers[{ip=10.0.0.1 port=443},{ip=10.0.0.2 port=53}] count=2");
  EXPECT_EQ(Json(*schema, ConnectionsPayload()),
            R"({"local":{"ip":"127.0.0.1","port":80},)"
            R"("peers":[{"ip":"10.0.0.1","port":443},{"ip":"10.0.0.2","port":53}],"count":2})");
}

TEST(SchemaNestedTest, WhatThePayloadDoesNotHoldIsAbsent) {
  const auto schema = Make(Connections());
  EXPECT_EQ(Text(*schema, ""), "local=? peers=? count=?");
  EXPECT_EQ(Json(*schema, ""), R"({"local":null,"peers":[null,null],"count":null})");
  const std::string cut = ConnectionsPayload().substr(0, 13);
  EXPECT_EQ(Text(*schema, cut),
            "local{ip=127.0.0.1 port=80} peers[{ip=10.0.0.1 port=?},?] count=?");
  EXPECT_EQ(Json(*schema, cut), R"({"local":{"ip":"127.0.0.1","port":80},)"
                                R"("peers":[{"ip":"10.0.0.1","port":null},null],"count":null})");
}

TEST(SchemaNestedTest, EncodingWritesWhatFormatReads) {
  for (const auto order : {v1::BYTE_ORDER_LITTLE_ENDIAN, v1::BYTE_ORDER_BIG_ENDIAN}) {
    const auto schema = Make(Connections(order));
    const std::string json =
        R"({"local":{"ip":"127.0.0.1","port":80},)"
        R"("peers":[{"ip":"10.0.0.1","port":443},{"ip":"0.0.0.0","port":65535}],"count":2})";
    EXPECT_EQ(Json(*schema, Encode(*schema, json)), json);
  }
  const auto schema = Make(Connections());
  EXPECT_EQ(Encode(*schema, R"({"peers":[null,{"port":"0x0201"}]})"),
            std::string(20, '\0') + "\x01\x02"s + std::string(6, '\0'));
}

TEST(SchemaNestedTest, ErrorsOfEncodingNameTheMember) {
  const auto schema = Make(Connections());
  EXPECT_EQ(Encode(*schema, R"({"local":{"port":65536}})"),
            "field 'local.port' is out of range: 0 to 65535");
  EXPECT_EQ(Encode(*schema, R"({"peers":[{},{"ip":"x"}]})"),
            "field 'peers[1].ip' is not an address of its kind");
  EXPECT_EQ(Encode(*schema, R"({"local":80})"), "field 'local' takes an object");
  EXPECT_EQ(Encode(*schema, R"({"peers":{}})"), "field 'peers' takes an array of objects");
  EXPECT_EQ(Encode(*schema, R"({"peers":[7]})"), "field 'peers' takes an array of objects");
  EXPECT_EQ(Encode(*schema, R"({"peers":[{},{},{}]})"), "field 'peers' takes at most 2 elements");
  EXPECT_EQ(Encode(*schema, R"({"local":{"mac":1}})"),
            "type 'sample' has no field 'local.mac': it has ip, port");
}

TEST(SchemaNestedTest, LocInAStructurePointsIntoThePayload) {
  v1::Schema proto = OneType(8);
  v1::Field* files = AddStruct(proto.mutable_types(0), "files", 0, 8, 4);
  AddMember(files, "path", v1::FIELD_KIND_STRING_LOC, 0, 4);
  const auto schema = Make(proto);
  const std::string json = R"({"files":[{"path":"/a"},{"path":"/bin/b"}]})";
  EXPECT_EQ(Encode(*schema, json), "\x08\0\x02\0\x0a\0\x06\0/a/bin/b"s);
  EXPECT_EQ(Json(*schema, Encode(*schema, json)), json);
  EXPECT_EQ(Text(*schema, Encode(*schema, json)), "files[{path=/a},{path=/bin/b}]");
}

TEST(SchemaNestedTest, AStringInAStructureCannotEndIt) {
  v1::Schema proto = OneType(8);
  AddMember(AddStruct(proto.mutable_types(0), "s", 0, 8, 8), "t", v1::FIELD_KIND_STRING, 0, 8);
  EXPECT_EQ(Text(*Make(proto), "a}b\0\0\0\0\0"s), "s{t=\"a}b\"}");
}

TEST(SchemaNestedTest, TheRestGoesToThePayloadsEnd) {
  v1::Schema proto = OneType(2);
  AddField(proto.mutable_types(0), "level", v1::FIELD_KIND_U16, 0, 2);
  v1::Field* rest = AddField(proto.mutable_types(0), "text", v1::FIELD_KIND_STRING_REST, 2, 0);
  const auto text = Make(proto);
  EXPECT_EQ(Text(*text, "\x06\0a line"s), "level=6 text=\"a line\"");
  EXPECT_EQ(Text(*text, "\x06\0line\0\0"s), "level=6 text=line");
  EXPECT_EQ(Text(*text, "\x06\0"s), "level=6 text=\"\"");
  EXPECT_EQ(Text(*text, "\x06"s), "level=? text=?");
  EXPECT_EQ(Encode(*text, R"({"level":6,"text":"line"})"), "\x06\0line"s);
  EXPECT_EQ(Encode(*text, "{}"), "\0\0"s);
  rest->set_kind(v1::FIELD_KIND_BYTES_REST);
  const auto bytes = Make(proto);
  EXPECT_EQ(Json(*bytes, "\x06\0\0\xff"s), R"({"level":6,"text":"00ff"})");
  EXPECT_EQ(Encode(*bytes, R"({"level":6,"text":"00ff"})"), "\x06\0\0\xff"s);
  EXPECT_EQ(Encode(*bytes, R"({"text":")" + std::string(131072, '0') + "\"}"),
            "the payload would be longer than 65535 bytes");
}

TEST(SchemaNestedTest, WhatLocFieldsPointToStandsBehindARestOfCharacters) {
  v1::Schema proto = OneType(4);
  AddField(proto.mutable_types(0), "name", v1::FIELD_KIND_STRING_LOC, 0, 4);
  v1::Field* rest = AddField(proto.mutable_types(0), "text", v1::FIELD_KIND_STRING_REST, 4, 0);
  const auto text = Make(proto);
  for (const char* json : {R"({"name":"n","text":"a line"})", R"({"name":"n","text":""})"}) {
    EXPECT_EQ(Json(*text, Encode(*text, json)), json);
  }
  rest->set_kind(v1::FIELD_KIND_BYTES_REST);
  EXPECT_EQ(Encode(*Make(proto), R"({"name":"n","text":"00"})"),
            "field 'text' takes the rest of the payload, so what other fields point to has no "
            "place");
}

TEST(SchemaNestedTest, AStructureThatContradictsItselfIsRefused) {
  const auto why = [](const v1::Schema& proto) {
    return std::string(Schema::Make(proto).status().message());
  };
  const std::string type = "schema, type 1 'sample': ";
  v1::Schema proto = OneType(16);
  v1::Field* s = AddStruct(proto.mutable_types(0), "s", 0, 16, 8);
  EXPECT_EQ(why(proto), type + "field 's' is a structure without members");
  v1::Field* m = AddMember(s, "m", v1::FIELD_KIND_U32, 8, 4);
  EXPECT_EQ(why(proto), type + "field 's.m' leaves its type of 8 bytes");
  m->set_offset(0xfffffffe);
  EXPECT_EQ(why(proto), type + "field 's.m' leaves its type of 8 bytes");
  m->set_offset(4);
  EXPECT_EQ(why(proto), "");
  s->set_element_bytes(0);
  EXPECT_EQ(why(proto), type + "field 's' is a structure without a size");
  s->set_element_bytes(12);
  EXPECT_EQ(why(proto), type + "field 's' is not whole elements");
  s->set_element_bytes(8);
  AddMember(s, "m", v1::FIELD_KIND_U32, 0, 4);
  EXPECT_EQ(why(proto), type + "it has two fields 's.m'");
  s->mutable_members(1)->set_name("rest");
  s->mutable_members(1)->set_kind(v1::FIELD_KIND_BYTES_REST);
  EXPECT_EQ(why(proto), type + "field 's.rest' takes the rest inside a structure");
}

TEST(SchemaNestedTest, OnlyTheLastFieldTakesTheRest) {
  v1::Schema proto = OneType(4);
  v1::Field* rest = AddField(proto.mutable_types(0), "rest", v1::FIELD_KIND_BYTES_REST, 4, 0);
  EXPECT_TRUE(Schema::Make(proto).ok());
  rest->set_offset(5);
  EXPECT_FALSE(Schema::Make(proto).ok()) << "starts outside";
  rest->set_offset(4);
  AddField(proto.mutable_types(0), "a", v1::FIELD_KIND_U32, 0, 4);
  EXPECT_FALSE(Schema::Make(proto).ok()) << "not the last";
}

// A structure around the others, `depth` of them.
v1::Schema Deep(int depth) {
  v1::Schema proto = OneType(4);
  v1::Field* field = AddStruct(proto.mutable_types(0), "s", 0, 4, 4);
  for (int i = 1; i < depth; ++i) {
    field = AddMember(field, "s", v1::FIELD_KIND_STRUCT, 0, 4);
    field->set_element_bytes(4);
  }
  AddMember(field, "number", v1::FIELD_KIND_U32, 0, 4);
  return proto;
}

TEST(SchemaNestedTest, StructuresAreAtMostFourDeep) {
  EXPECT_EQ(Text(*Make(Deep(4)), "\x07\0\0\0"s), "s{s{s{s{number=7}}}}");
  EXPECT_FALSE(Schema::Make(Deep(5)).ok());
}

TEST(SchemaNestedTest, ASmallSchemaCannotMakeUsShowWithoutEnd) {
  // 65536 elements of one byte, each with 64 members on that byte, twice over.
  v1::Schema proto = OneType(1 << 16);
  v1::Field* outer = AddStruct(proto.mutable_types(0), "outer", 0, 1 << 16, 1);
  for (int i = 0; i < 64; ++i) {
    v1::Field* inner = AddMember(outer, std::to_string(i), v1::FIELD_KIND_STRUCT, 0, 1);
    inner->set_element_bytes(1);
    AddMember(inner, "m", v1::FIELD_KIND_U8, 0, 1);
  }
  EXPECT_FALSE(Schema::Make(proto).ok());
}

TEST(SchemaNestedTest, JsonIsValidWhateverThePayloadHolds) {
  std::mt19937 random(4);
  v1::Schema proto = Connections();
  v1::Field* peers = proto.mutable_types(0)->mutable_fields(1);
  AddMember(peers, "loc", v1::FIELD_KIND_STRING_LOC, 4, 4);
  AddField(proto.mutable_types(0), "rest", v1::FIELD_KIND_STRING_REST, 28, 0);
  const auto schema = Make(proto);
  for (int round = 0; round < 2000; ++round) {
    std::string payload(random() % 64, '\0');
    for (char& c : payload) c = static_cast<char>(random());
    google::protobuf::Struct object;
    const std::string json = Json(*schema, payload);
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json, &object).ok()) << json;
    for (const char c : Text(*schema, payload)) ASSERT_GE(static_cast<uint8_t>(c), 0x20);
  }
}

}  // namespace
}  // namespace kchan
