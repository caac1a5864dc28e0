// SPDX-License-Identifier: Apache-2.0
#include "kchan/schema.h"

#include <gtest/gtest.h>

#include <string>

#include "schemas.h"

namespace kchan {
namespace {

using namespace std::string_literals;

std::shared_ptr<const Schema> Make(v1::Schema proto) {
  auto schema = Schema::Make(std::move(proto));
  EXPECT_TRUE(schema.ok()) << schema.status();
  return schema.ok() ? *schema : nullptr;
}

TEST(SchemaTest, ReadsBothByteOrders) {
  for (const bool big : {false, true}) {
    v1::Schema proto = OneType(8, big ? v1::BYTE_ORDER_BIG_ENDIAN : v1::BYTE_ORDER_LITTLE_ENDIAN);
    AddField(proto.mutable_types(0), "a", v1::FIELD_KIND_U16, 0, 2);
    AddField(proto.mutable_types(0), "b", v1::FIELD_KIND_S32, 4, 4);
    const auto schema = Make(proto);
    const RecordType& type = *schema->FindType(1);
    const std::string payload =
        big ? "\x01\x02\0\0\xff\xff\xff\xfe"s : "\x02\x01\0\0\xfe\xff\xff\xff"s;
    EXPECT_EQ(type.FindField("a")->Unsigned(payload), 0x0102u);
    EXPECT_EQ(type.FindField("b")->Signed(payload), -2);
  }
}

TEST(SchemaTest, WhatThePayloadDoesNotHoldIsAbsent) {
  v1::Schema proto = OneType(32);
  AddField(proto.mutable_types(0), "number", v1::FIELD_KIND_U64, 0, 8);
  AddField(proto.mutable_types(0), "array", v1::FIELD_KIND_U16, 8, 8);
  AddField(proto.mutable_types(0), "text", v1::FIELD_KIND_STRING, 16, 8);
  AddField(proto.mutable_types(0), "loc", v1::FIELD_KIND_STRING_LOC, 24, 4);
  const auto schema = Make(proto);
  const RecordType& type = *schema->FindType("sample");
  const std::string whole(32, '\x01');
  for (size_t size = 0; size <= whole.size(); ++size) {
    const std::string payload = whole.substr(0, size);
    EXPECT_EQ(type.FindField("number")->Unsigned(payload).has_value(), size >= 8);
    for (size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(type.FindField("array")->Unsigned(payload, i).has_value(), size >= 10 + 2 * i);
    }
    EXPECT_FALSE(type.FindField("array")->Unsigned(payload, 4).has_value());
    EXPECT_EQ(type.FindField("text")->Bytes(payload).has_value(), size >= 24);
    // It points to 257 bytes at 257, which no payload here has.
    EXPECT_FALSE(type.FindField("loc")->Bytes(payload).has_value());
  }
}

TEST(SchemaTest, StringsEndAtTheFirstNul) {
  v1::Schema proto = OneType(8);
  AddField(proto.mutable_types(0), "text", v1::FIELD_KIND_STRING, 0, 8);
  const auto schema = Make(proto);
  const Field& text = *schema->FindType(1)->FindField("text");
  EXPECT_EQ(text.Bytes("bash\0xyz"s), "bash");
  EXPECT_EQ(text.Bytes("eightbyt"s), "eightbyt");
  EXPECT_EQ(text.Bytes("\0ightbyt"s), "");
}

TEST(SchemaTest, LocFieldsPointIntoThePayload) {
  v1::Schema proto = OneType(8);
  AddField(proto.mutable_types(0), "path", v1::FIELD_KIND_STRING_LOC, 0, 4);
  AddField(proto.mutable_types(0), "key", v1::FIELD_KIND_BYTES_LOC, 4, 4);
  const auto schema = Make(proto);
  const RecordType& type = *schema->FindType(1);
  const std::string payload = "\x08\0\x03\0\x0a\0\x02\0abcd"s;
  EXPECT_EQ(type.FindField("path")->Bytes(payload), "abc");
  EXPECT_EQ(type.FindField("key")->Bytes(payload), "cd");
  EXPECT_FALSE(type.FindField("key")->Bytes(payload.substr(0, 11)).has_value());
}

TEST(SchemaTest, ASchemaThatContradictsItselfIsRefused) {
  const auto refused = [](v1::Schema proto) { return !Schema::Make(std::move(proto)).ok(); };
  v1::Schema proto = OneType(8);
  AddField(proto.mutable_types(0), "a", v1::FIELD_KIND_U32, 8, 4);
  EXPECT_TRUE(refused(proto)) << "leaves the type";
  proto.mutable_types(0)->mutable_fields(0)->set_offset(0xfffffffe);
  EXPECT_TRUE(refused(proto)) << "wraps around";
  proto.mutable_types(0)->mutable_fields(0)->set_offset(0);
  EXPECT_FALSE(refused(proto));
  proto.mutable_types(0)->mutable_fields(0)->set_size_bytes(6);
  EXPECT_TRUE(refused(proto)) << "not whole elements";
  proto.mutable_types(0)->mutable_fields(0)->set_size_bytes(0);
  EXPECT_TRUE(refused(proto)) << "no bytes";
  proto.mutable_types(0)->mutable_fields(0)->set_size_bytes(4);
  AddField(proto.mutable_types(0), "a", v1::FIELD_KIND_U32, 4, 4);
  EXPECT_TRUE(refused(proto)) << "two of one name";
  proto = OneType(8);
  *proto.add_types() = proto.types(0);
  EXPECT_TRUE(refused(proto)) << "two of one number";
  proto = OneType(8, v1::BYTE_ORDER_UNSPECIFIED);
  EXPECT_TRUE(refused(proto)) << "no byte order";
}

}  // namespace
}  // namespace kchan
