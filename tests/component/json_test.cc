// SPDX-License-Identifier: Apache-2.0
// Payloads as JSON, over a real connection.
#include <memory>
#include <string>
#include <utility>

#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "tests/component/fake_source.h"
#include "tests/component/reader.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

using Response = v1::SubscribeResponse;

// Records of 64 bytes that are all 'x': `number`, and 8 of them at 16, `rest`.
class JsonTest : public ServerTest {
 protected:
  static std::shared_ptr<const hub::Schema> Schema() {
    hub::Schema schema = *FakeSchema();
    schema.types[0].name = "a \"type\"";
    schema.types[0].size_bytes = 24;
    schema.types[0].fields.push_back({"rest", v1::FIELD_KIND_BYTES, 0, 16, 8, "", "", {}, {}});
    schema.id = hub::SchemaId(schema);
    return std::make_shared<const hub::Schema>(schema);
  }

  static void StartEpoch(FakeSource& source) {
    source.channel().SetSchema(Schema());
    source.log().StartEpoch(kEpoch, Schema()->id, 1);
  }

  // Records are not given as JSON under this schema.
  void ExpectPayloadUnder(hub::Schema schema) {
    Start();
    FakeSource tick(hub(), "tick");
    schema.id = hub::SchemaId(schema);
    tick.channel().SetSchema(std::make_shared<const hub::Schema>(schema));
    tick.log().StartEpoch(kEpoch, schema.id, 1);
    tick.Append(1);
    Reader reader(stub(), Json("tick"));
    EXPECT_TRUE(reader.Until([](const Response& response) {
      return response.has_batch() && response.batch().records(0).payload().size() == 64 &&
             response.batch().records(0).json().empty();
    }));
  }

  static v1::SubscribeRequest::Open Json(const std::string& channel) {
    auto open = OpenFromOldest(channel);
    open.set_payload_format(v1::PAYLOAD_FORMAT_JSON);
    return open;
  }
};

TEST_F(JsonTest, RecordsAreTextsThatSayWhatTheyAre) {
  Start();
  FakeSource tick(hub(), "tick");
  StartEpoch(tick);
  tick.Append(100);
  tick.AppendLoss(5, hub::LossStage::kKernelRing);
  tick.Append(100);
  Reader reader(stub(), Json("tick"));
  ASSERT_TRUE(reader.Until([&](const Response& response) {
    if (!response.has_batch()) return false;
    EXPECT_EQ(response.batch().schema_id(), Schema()->id);
    for (const v1::Record& record : response.batch().records()) {
      EXPECT_TRUE(record.payload().empty());
      EXPECT_EQ(record.type(), 1u);
      google::protobuf::Struct parsed;
      EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(record.json(), &parsed).ok())
          << record.json();
      EXPECT_EQ(parsed.fields().at("type").string_value(), "a \"type\"");
      const auto& fields = parsed.fields().at("fields").struct_value().fields();
      EXPECT_EQ(fields.at("number").string_value(), "8680820740569200760");  // beyond 2^53
      EXPECT_EQ(fields.at("rest").string_value(), "7878787878787878");
    }
    return response.batch().last_sequence() == 205;
  }));
  EXPECT_EQ(reader.ledger("tick").records, 200u);
  EXPECT_EQ(reader.ledger("tick").lost, 5u);
}

TEST_F(JsonTest, FieldsAndFilterAreThoseOfTheRecord) {
  Start();
  FakeSource tick(hub(), "tick");
  StartEpoch(tick);
  tick.Append(10);
  auto open = Json("tick");
  open.add_fields("rest");
  open.set_filter("record.sequence = 7");
  Reader reader(stub(), open);
  std::string json;
  ASSERT_TRUE(reader.Until([&](const Response& response) {
    if (!response.has_batch() || response.batch().records().empty()) return false;
    json = response.batch().records(0).json();
    return true;
  }));
  EXPECT_EQ(json, R"({"type":"a \"type\"","fields":{"rest":"7878787878787878"}})");
}

TEST_F(JsonTest, TypeThatNoSchemaDescribesStaysAsItIs) {
  hub::Schema schema = *Schema();
  schema.types.erase(schema.types.begin());  // the records'
  ExpectPayloadUnder(schema);
}

TEST_F(JsonTest, TextThatWouldBeTooLongStaysAPayload) {
  hub::Schema schema = *FakeSchema();
  // Each field is of few bytes, and of a name that makes its text long.
  for (int i = 0; i < 40'000; ++i) {
    schema.types[0].fields.push_back(
        {"a_field_with_a_long_name_" + std::to_string(i), 8, 0, 0, 8, "", "", {}, {}});
  }
  ExpectPayloadUnder(schema);
}

TEST_F(JsonTest, FormatThatIsNotKnownIsAViolation) {
  Start();
  FakeSource tick(hub(), "tick");
  auto open = OpenFromOldest("tick");
  open.set_payload_format(static_cast<v1::PayloadFormat>(7));
  Reader reader(stub(), open);
  const grpc::Status status = reader.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(DetailsOf(status)), "open.payload_format");
  EXPECT_EQ(status.error_message(), "open.payload_format: this daemon does not know format 7");
}

}  // namespace
}  // namespace kchan::testing
