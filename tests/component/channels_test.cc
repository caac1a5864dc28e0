// SPDX-License-Identifier: Apache-2.0
// ListChannels, GetChannel, GetSchema, UpdateChannel.
#include <string>
#include <vector>

#include "tests/component/fake_source.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

using grpc::StatusCode;

class ChannelsTest : public ServerTest {
 protected:
  grpc::Status List(int page_size, const std::string& token, v1::ListChannelsResponse& response) {
    grpc::ClientContext context;
    v1::ListChannelsRequest request;
    request.set_page_size(page_size);
    request.set_page_token(token);
    return stub().ListChannels(&context, request, &response);
  }

  grpc::Status Update(const v1::UpdateChannelRequest& request) {
    grpc::ClientContext context;
    v1::UpdateChannelResponse response;
    grpc::Status status = control_stub().UpdateChannel(&context, request, &response);
    EXPECT_EQ(response.channel().name(), status.ok() ? request.name() : "");
    return status;
  }
};

TEST_F(ChannelsTest, ListIsInOrderOfNameAndComesInPages) {
  Start();
  for (const char* name : {"tick", "exec", "net", "block", "oom"}) FakeSource(hub(), name);
  std::string names;
  std::string token;
  int pages = 0;
  do {
    v1::ListChannelsResponse page;
    ASSERT_TRUE(List(2, token, page).ok());
    EXPECT_LE(page.channels_size(), 2);
    for (const auto& channel : page.channels()) names += channel.name() + " ";
    token = page.next_page_token();
    ++pages;
  } while (!token.empty());
  EXPECT_EQ(names, "block exec net oom tick ");
  EXPECT_EQ(pages, 3);
}

TEST_F(ChannelsTest, FullLastPageHasNoToken) {
  Start();
  FakeSource tick(hub(), "tick");
  v1::ListChannelsResponse page;
  ASSERT_TRUE(List(1, "", page).ok());
  EXPECT_EQ(page.next_page_token(), "");
}

TEST_F(ChannelsTest, NegativePageSizeIsInvalid) {
  Start();
  v1::ListChannelsResponse page;
  const grpc::Status status = List(-1, "", page);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(DetailsOf(status)), "page_size");
}

TEST_F(ChannelsTest, ChannelSaysWhatItIsAndWhatItHolds) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(5);
  grpc::ClientContext context;
  v1::GetChannelRequest request;
  request.set_name("tick");
  v1::GetChannelResponse response;
  ASSERT_TRUE(stub().GetChannel(&context, request, &response).ok());
  const v1::Channel& channel = response.channel();
  EXPECT_EQ(channel.transport(), "ring");
  EXPECT_EQ(channel.direction(), v1::DIRECTION_BOTH);
  EXPECT_EQ(channel.state(), v1::CHANNEL_STATE_LIVE);
  EXPECT_EQ(channel.epoch(), kEpoch);
  EXPECT_EQ(channel.schema_id(), FakeSchema()->id);
  EXPECT_EQ(channel.oldest_sequence(), 1u);
  EXPECT_EQ(channel.last_sequence(), 5u);
  EXPECT_GT(channel.log_bytes(), 0u);
  EXPECT_EQ(channel.log_max_bytes(), log_limits_.max_bytes);
  ASSERT_EQ(channel.parameters_size(), 1);
  EXPECT_EQ(channel.parameters(0).max_value(), 1000u);
}

TEST_F(ChannelsTest, UnknownChannelIsNotFound) {
  Start();
  grpc::ClientContext context;
  v1::GetChannelRequest request;
  request.set_name("nope");
  v1::GetChannelResponse response;
  const grpc::Status status = stub().GetChannel(&context, request, &response);
  EXPECT_EQ(status.error_code(), StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(DetailsOf(status)), "NO_SUCH_CHANNEL");
}

TEST_F(ChannelsTest, SchemaIsFoundByChannelAndById) {
  Start();
  FakeSource tick(hub(), "tick");
  v1::Schema schema;
  ASSERT_TRUE(GetSchema("tick", 0, schema).ok());
  EXPECT_EQ(schema.id(), FakeSchema()->id);
  EXPECT_EQ(schema.byte_order(), v1::BYTE_ORDER_LITTLE_ENDIAN);
  ASSERT_EQ(schema.types_size(), 2);
  EXPECT_EQ(schema.types(1).direction(), v1::DIRECTION_TO_KERNEL);
  ASSERT_EQ(schema.types(0).fields_size(), 1);
  EXPECT_EQ(schema.types(0).fields(0).kind(), v1::FIELD_KIND_U64);
  EXPECT_EQ(schema.types(0).fields(0).names(0).name(), "one");
  ASSERT_TRUE(GetSchema("tick", FakeSchema()->id, schema).ok());
  EXPECT_EQ(schema.id(), FakeSchema()->id);
}

TEST_F(ChannelsTest, UnknownSchemaIsNotFound) {
  Start();
  FakeSource tick(hub(), "tick");
  hub().Upsert(FakeSource::Describe("bare"));
  v1::Schema schema;
  EXPECT_EQ(GetSchema("nope", 0, schema).error_code(), StatusCode::NOT_FOUND);
  EXPECT_EQ(GetSchema("tick", 99, schema).error_code(), StatusCode::NOT_FOUND);
  EXPECT_EQ(GetSchema("bare", 0, schema).error_code(), StatusCode::NOT_FOUND);
}

TEST_F(ChannelsTest, UpdateReachesTheKernelAsOneSetting) {
  hub::ChannelSettings seen;
  door().on_update = [&](const hub::ChannelSettings& settings) {
    seen = settings;
    return hub::KernelAnswer{};
  };
  Start();
  FakeSource tick(hub(), "tick");
  v1::UpdateChannelRequest request;
  request.set_name("tick");
  (*request.mutable_parameters())["rate"] = 100;
  request.set_linger_ms(0);
  ASSERT_TRUE(Update(request).ok());
  ASSERT_EQ(seen.parameters.size(), 1u);
  EXPECT_EQ(seen.parameters[0].second, 100u);
  EXPECT_EQ(seen.linger_ms, 0u);
  EXPECT_FALSE(seen.budget_bytes.has_value());
}

TEST_F(ChannelsTest, WrongUpdateIsRefusedWithoutAskingTheKernel) {
  door().on_update = [](const hub::ChannelSettings&) -> hub::KernelAnswer {
    ADD_FAILURE() << "the kernel was asked";
    return {};
  };
  Start();
  FakeSource tick(hub(), "tick");
  v1::UpdateChannelRequest request;
  request.set_name("tick");
  grpc::Status status = Update(request);  // nothing to set
  EXPECT_EQ(FieldOf(DetailsOf(status)), "parameters");
  (*request.mutable_parameters())["speed"] = 1;
  status = Update(request);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(DetailsOf(status)), "parameters[\"speed\"]");
  request.clear_parameters();
  (*request.mutable_parameters())["rate"] = 1001;
  status = Update(request);
  EXPECT_EQ(FieldOf(DetailsOf(status)), "parameters[\"rate\"]");
  request.set_name("nope");
  EXPECT_EQ(Update(request).error_code(), StatusCode::NOT_FOUND);
}

TEST_F(ChannelsTest, KernelsRefusalOfAnUpdateIsPassedOn) {
  door().on_update = [](const hub::ChannelSettings&) {
    return hub::KernelAnswer{absl::FailedPreconditionError("kernel side is gone"), 0};
  };
  Start();
  FakeSource tick(hub(), "tick");
  v1::UpdateChannelRequest request;
  request.set_name("tick");
  request.set_budget_bytes(1 << 20);
  const grpc::Status status = Update(request);
  EXPECT_EQ(status.error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(status.error_message(), "kernel side is gone");
}

TEST_F(ChannelsTest, UpdateOnTheReadSocketIsDenied) {
  Start();
  FakeSource tick(hub(), "tick");
  grpc::ClientContext context;
  v1::UpdateChannelRequest request;
  request.set_name("tick");
  v1::UpdateChannelResponse response;
  const grpc::Status status = stub().UpdateChannel(&context, request, &response);
  EXPECT_EQ(status.error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(ReasonOf(DetailsOf(status)), "CONTROL_RIGHT_NEEDED");
  EXPECT_NE(status.error_message().find("control.sock"), std::string::npos);
}

TEST_F(ChannelsTest, EachUpdateAndEachDenialIsAuditedInOneLine) {
  Start();
  FakeSource tick(hub(), "tick");
  v1::UpdateChannelRequest request;
  request.set_name("tick");
  (*request.mutable_parameters())["rate"] = 100;
  ASSERT_TRUE(Update(request).ok());
  request.set_name("no\nsuch");
  ASSERT_FALSE(Update(request).ok());
  grpc::ClientContext context;
  v1::UpdateChannelResponse response;
  ASSERT_FALSE(stub().UpdateChannel(&context, request, &response).ok());
  const std::vector<std::string> lines = audited();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(WithoutTime(lines[0]),
            R"({"type":"audit","identity":"unix:control","peer":"unix:","method":"UpdateChannel",)"
            R"("object":"channel tick","request":"rate=100","decision":"allowed",)"
            R"("rule":"listener","result":"OK"})");
  EXPECT_EQ(WithoutTime(lines[1]),
            R"({"type":"audit","identity":"unix:control","peer":"unix:","method":"UpdateChannel",)"
            R"("object":"channel no\\nsuch","request":"rate=100","decision":"allowed",)"
            R"("rule":"listener","result":"NOT_FOUND"})");
  EXPECT_EQ(WithoutTime(lines[2]),
            R"({"type":"audit","identity":"unix:read","peer":"unix:","method":"UpdateChannel",)"
            R"("object":"channel no\\nsuch","request":"","decision":"denied",)"
            R"("rule":"","result":"CONTROL_RIGHT_NEEDED"})");
}

}  // namespace
}  // namespace kchan::testing
