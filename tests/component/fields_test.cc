// SPDX-License-Identifier: Apache-2.0
// Field masks, over a real connection.
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "grpcpp/client_context.h"
#include "tests/component/fake_source.h"
#include "tests/component/reader.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

using Response = v1::SubscribeResponse;

// Records of 64 bytes: `number`, `middle` at 16, which are all 'x', and 40 bytes
// that no field has.
class FieldsTest : public ServerTest {
 protected:
  static std::shared_ptr<const hub::Schema> Schema(const std::string& middle = "middle") {
    hub::Schema schema = *FakeSchema();
    schema.types[0].size_bytes = 24;
    schema.types[0].fields.push_back({middle, 11, 0, 16, 8, "", "", {}, {}});
    schema.id = hub::SchemaId(schema);
    return std::make_shared<const hub::Schema>(schema);
  }

  static void StartEpoch(FakeSource& source, uint64_t epoch, const std::string& middle) {
    source.channel().SetSchema(Schema(middle));
    source.log().StartEpoch(epoch, Schema(middle)->id, 1);
  }

  static v1::SubscribeRequest::Open Masked(const std::string& channel,
                                           const std::vector<std::string>& fields) {
    auto open = OpenFromOldest(channel);
    open.mutable_fields()->Assign(fields.begin(), fields.end());
    return open;
  }
};

TEST_F(FieldsTest, PayloadsAreOfTheFieldsAndTheSchemaIsThereForTheAsking) {
  Start();
  FakeSource tick(hub(), "tick");
  FakeSource tock(hub(), "tock");
  StartEpoch(tick, kEpoch, "middle");
  tick.Append(100);
  tick.AppendLoss(5, hub::LossStage::kKernelRing);
  tick.Append(100);
  Reader reader(stub(), Masked("tick", {"middle"}));
  uint64_t told_id = 0;
  uint64_t schema_id = 0;
  ASSERT_TRUE(reader.Until([&](const Response& response) {
    if (response.has_channel_update()) told_id = response.channel_update().schema_id();
    if (!response.has_batch()) return false;
    schema_id = response.batch().schema_id();
    for (const v1::Record& record : response.batch().records()) {
      EXPECT_EQ(record.payload(), "xxxxxxxx");
      EXPECT_EQ(record.cpu(), 1u);
      EXPECT_EQ(record.type(), 1u);
    }
    return response.batch().last_sequence() == 205;
  }));
  EXPECT_EQ(reader.ledger("tick").records, 200u);
  EXPECT_EQ(reader.ledger("tick").lost, 5u);
  EXPECT_EQ(told_id, schema_id);
  EXPECT_NE(schema_id, Schema()->id);
  v1::Schema schema;
  ASSERT_TRUE(GetSchema("tick", schema_id, schema).ok());
  EXPECT_EQ(schema.id(), schema_id);
  ASSERT_EQ(schema.types_size(), 1);
  EXPECT_EQ(schema.types(0).size_bytes(), 8u);
  ASSERT_EQ(schema.types(0).fields_size(), 1);
  EXPECT_EQ(schema.types(0).fields(0).name(), "middle");
  EXPECT_EQ(schema.types(0).fields(0).offset(), 0u);
  // It is this channel's alone, and the current one stays what it was.
  EXPECT_EQ(GetSchema("tock", schema_id, schema).error_code(), grpc::StatusCode::NOT_FOUND);
  ASSERT_TRUE(GetSchema("tick", 0, schema).ok());
  EXPECT_EQ(schema.id(), Schema()->id);
}

TEST_F(FieldsTest, ChangeOfTheSchemaTellsOfWhatIsLeftOut) {
  Start();
  FakeSource tick(hub(), "tick");
  StartEpoch(tick, kEpoch, "middle");
  Reader reader(stub(), Masked("tick", {"number", "middle"}));
  ASSERT_TRUE(reader.Until([](const Response& r) { return r.has_history_end(); }));
  tick.Append(1);
  ASSERT_TRUE(reader.Until([](const Response& response) {
    return response.has_batch() && response.batch().records(0).payload().size() == 16;
  }));
  StartEpoch(tick, kEpoch + 1, "changed");
  tick.Append(1);
  std::vector<std::string> missing;
  uint64_t schema_id = 0;
  ASSERT_TRUE(reader.Until([&](const Response& response) {
    if (response.has_channel_update()) {
      const auto& update = response.channel_update();
      missing.assign(update.missing_fields().begin(), update.missing_fields().end());
      schema_id = update.schema_id();
    }
    return response.has_batch() && response.batch().schema_id() == schema_id &&
           response.batch().records(0).payload() == "xxxxxxxx";
  }));
  EXPECT_EQ(missing, std::vector<std::string>{"middle"});
}

TEST_F(FieldsTest, FieldThatNoSelectedChannelHasIsAViolation) {
  Start();
  FakeSource tick(hub(), "tick");
  const auto refusal = [&](const std::vector<std::string>& fields) {
    Reader reader(stub(), Masked("tick", fields));
    const grpc::Status status = reader.Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    return FieldOf(DetailsOf(status)) + " " + status.error_message();
  };
  EXPECT_EQ(refusal({"number", "nubmer"}),
            "open.fields[1] open.fields[1]: no selected channel has a field `nubmer`; "
            "there are: number");
  EXPECT_EQ(refusal({""}),
            "open.fields[0] open.fields[0]: `` is no path of a field, as `a` or `a.b`");
  EXPECT_EQ(refusal(std::vector<std::string>(129, "number")),
            "open.fields[128] open.fields[128]: at most 128 are allowed");
  EXPECT_TRUE(HasNoSubscriptions());
}

}  // namespace
}  // namespace kchan::testing
