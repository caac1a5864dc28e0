// SPDX-License-Identifier: Apache-2.0
// What a policy does to calls, and a change of it to those that are under way.
#include <memory>
#include <string>
#include <vector>

#include "bridge/security/policy_file.h"
#include "gmock/gmock.h"
#include "tests/component/fake_source.h"
#include "tests/component/fake_values.h"
#include "tests/component/reader.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class PolicyTest : public ServerTest {
 protected:
  // A policy of one rule with these lines, for both sockets.
  static std::shared_ptr<const security::Authorizer> Allowing(const std::string& lines) {
    const auto policy = security::ParsePolicy(
        "unix_sockets: UNIX_SOCKET_RIGHTS_BY_POLICY\n"
        "roles { name: 'us' members: 'unix:*' }\n"
        "rules { name: 'all-of-us' roles: 'us' " +
            lines + " }",
        "policy");
    EXPECT_TRUE(policy.ok()) << policy.status();
    return policy.ok() ? *policy : nullptr;
  }

  void StartAllowing(const std::string& lines) {
    options_.policy = Allowing(lines);
    Start();
  }

  grpc::Status GetChannel(const std::string& name) {
    grpc::ClientContext context;
    v1::GetChannelRequest request;
    request.set_name(name);
    v1::GetChannelResponse response;
    return stub().GetChannel(&context, request, &response);
  }

  std::vector<std::string> Listed() {
    grpc::ClientContext context;
    v1::ListChannelsResponse response;
    EXPECT_TRUE(stub().ListChannels(&context, {}, &response).ok());
    std::vector<std::string> names;
    for (const v1::Channel& channel : response.channels()) names.push_back(channel.name());
    return names;
  }
};

TEST_F(PolicyTest, DenialSaysWhoWhatWhichAndWhatToDo) {
  StartAllowing(R"(read: "tick")");
  const FakeSource exec(hub(), "exec");
  const grpc::Status status = GetChannel("exec");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(status.error_message(),
            "GetChannel: unix:read has no read right on channel exec: no rule of this node's "
            "policy gives it. Its operator could add rules { roles: .. read: \"exec\" }");
  const auto details = DetailsOf(status);
  EXPECT_EQ(ReasonOf(details), "NOT_ALLOWED");
  EXPECT_EQ(MetadataOf(details, "identity"), "unix:read");
  EXPECT_EQ(MetadataOf(details, "right"), "read");
  EXPECT_EQ(MetadataOf(details, "object"), "channel exec");
}

TEST_F(PolicyTest, ChannelThatMayNotBeReadAnswersLikeOneThatIsNotThere) {
  StartAllowing(R"(read: "tick")");
  const FakeSource exec(hub(), "exec");
  const grpc::Status there = GetChannel("exec");
  const grpc::Status not_there = GetChannel("exit");
  EXPECT_EQ(there.error_code(), not_there.error_code());
  EXPECT_EQ(GetChannel("tick").error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(PolicyTest, ListsAndStatusShowWhatMayBeRead) {
  StartAllowing(R"(read: "t*" write: "exec" status: true)");
  const FakeSource exec(hub(), "exec");
  const FakeSource tick(hub(), "tick");
  EXPECT_THAT(Listed(), ElementsAre("tick"));
  const v1::GetStatusResponse status = Status();
  ASSERT_EQ(status.channels_size(), 1);
  EXPECT_EQ(status.channels(0).channel(), "tick");
  EXPECT_TRUE(GetChannel("exec").ok()) << "who may write it needs its schema";
}

TEST_F(PolicyTest, GlobSelectsWhatMayBeRead) {
  StartAllowing(R"(read: "tick")");
  FakeSource exec(hub(), "exec");
  FakeSource tick(hub(), "tick");
  exec.Append(3);
  tick.Append(2);
  Reader reader(stub(), OpenFromOldest("*"));
  EXPECT_TRUE(reader.UntilSequence("tick", kEpoch, 2));
  EXPECT_EQ(reader.ledger("exec").records, 0u);
  reader.Cancel();
}

TEST_F(PolicyTest, NameThatMayNotBeReadIsDenied) {
  StartAllowing(R"(read: "tick")");
  const FakeSource exec(hub(), "exec");
  Reader reader(stub(), OpenOf("exec"));
  const grpc::Status status = reader.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(MetadataOf(DetailsOf(status), "object"), "channel exec");
}

TEST_F(PolicyTest, ChangeEndsARevokedReaderWithItsCursorAndNoOther) {
  StartAllowing(R"(read: "*" status: true)");
  FakeSource exec(hub(), "exec");
  FakeSource tick(hub(), "tick");
  exec.Append(2);
  Reader of_exec(stub(), OpenFromOldest("exec"));
  Reader of_tick(stub(), OpenFromOldest("tick"));
  ASSERT_TRUE(of_exec.UntilSequence("exec", kEpoch, 2));
  ASSERT_TRUE(of_tick.Until([](const auto& response) { return response.has_history_end(); }));

  server().SetPolicy(Allowing(R"(read: "tick" status: true)"));
  const grpc::Status status = of_exec.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << status.error_message();
  EXPECT_EQ(ReasonOf(DetailsOf(status)), "NOT_ALLOWED");
  v1::Cursor cursor;
  bool has_cursor = false;
  const google::rpc::Status details = DetailsOf(status);
  for (const auto& detail : details.details()) has_cursor |= detail.UnpackTo(&cursor);
  EXPECT_TRUE(has_cursor);
  EXPECT_EQ(cursor.sequence(), 2u);
  EXPECT_THAT(audited(), ElementsAre(HasSubstr(R"("method":"Subscribe","object":"channel exec")")));

  tick.Append(5);
  EXPECT_TRUE(of_tick.UntilSequence("tick", kEpoch, 5));
  EXPECT_EQ(of_tick.ledger("tick").records, 5u);
  EXPECT_EQ(of_tick.ledger("tick").lost, 0u);
  of_tick.Cancel();
}

TEST_F(PolicyTest, ChangeThatAllowsMoreAddsToAGlob) {
  StartAllowing(R"(read: "tick")");
  FakeSource exec(hub(), "exec");
  FakeSource tick(hub(), "tick");
  exec.Append(3);
  Reader reader(stub(), OpenFromOldest("*"));
  tick.Append(1);
  ASSERT_TRUE(reader.UntilSequence("tick", kEpoch, 1));
  server().SetPolicy(Allowing(R"(read: "*")"));
  EXPECT_TRUE(reader.UntilSequence("exec", kEpoch, 3));
  reader.Cancel();
}

TEST_F(PolicyTest, WatchersAreToldWhatComesAndGoesByPolicy) {
  StartAllowing(R"(read: "exec")");
  const FakeSource exec(hub(), "exec");
  const FakeSource tick(hub(), "tick");
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  const auto watch = stub().WatchChannels(&context, {});
  v1::WatchChannelsResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.updated().name(), "exec");
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_TRUE(response.synced());
  server().SetPolicy(Allowing(R"(read: "tick")"));
  std::vector<std::string> news;
  for (int i = 0; i < 2 && watch->Read(&response); ++i) {
    news.push_back(response.has_updated() ? "+" + response.updated().name()
                                          : "-" + response.removed());
  }
  EXPECT_THAT(news, UnorderedElementsAre("+tick", "-exec"));
  server().SetPolicy(Allowing(R"(write: "tick")"));
  EXPECT_FALSE(watch->Read(&response));
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(PolicyTest, ChangeEndsAWatchOfValues) {
  StartAllowing(R"(read: "limits")");
  FakeValues limits(hub(), "limits");
  limits.Change(1);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  v1::WatchValuesRequest request;
  request.add_channels("limits");
  const auto watch = stub().WatchValues(&context, request);
  v1::WatchValuesResponse response;
  ASSERT_TRUE(watch->Read(&response));
  server().SetPolicy(Allowing(R"(read: "other")"));
  while (watch->Read(&response)) continue;
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(PolicyTest, EachRecordOfAPublisherIsHeldAgainstThePolicyOfItsTime) {
  StartAllowing(R"(write: "tick")");
  const FakeSource tick(hub(), "tick");
  const FakeSource exec(hub(), "exec");
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  const auto stream = control_stub().Publish(&context);
  const auto publish = [&](const std::string& channel) {
    v1::PublishRequest request;
    request.set_channel(channel);
    request.set_type(2);
    request.set_payload(std::string(8, 'x'));
    v1::PublishResponse response;
    EXPECT_TRUE(stream->Write(request));
    EXPECT_TRUE(stream->Read(&response));
    return static_cast<grpc::StatusCode>(response.status().code());
  };
  EXPECT_EQ(publish("tick"), grpc::StatusCode::OK);
  EXPECT_EQ(publish("exec"), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(publish("tick"), grpc::StatusCode::OK);
  server().SetPolicy(Allowing(R"(write: "exec")"));
  EXPECT_EQ(publish("tick"), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(publish("exec"), grpc::StatusCode::OK);
  EXPECT_EQ(door().publishes.load(), 3);
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(PolicyTest, ListenersRightIsTheMostThatItGives) {
  StartAllowing(R"(read: "*" write: "*" control: "*")");
  grpc::ClientContext context;
  v1::SetValueRequest request;
  request.set_channel("limits");
  v1::SetValueResponse response;
  const grpc::Status status = stub().SetValue(&context, request, &response);
  EXPECT_EQ(ReasonOf(DetailsOf(status)), "CONTROL_RIGHT_NEEDED");
}

TEST_F(PolicyTest, AuditNamesTheRule) {
  StartAllowing(R"(control: "tick")");
  const FakeSource tick(hub(), "tick");
  grpc::ClientContext context;
  v1::UpdateChannelRequest request;
  request.set_name("tick");
  request.set_linger_ms(5);
  v1::UpdateChannelResponse response;
  EXPECT_TRUE(control_stub().UpdateChannel(&context, request, &response).ok());
  ASSERT_EQ(audited().size(), 1u);
  EXPECT_EQ(WithoutTime(audited()[0]),
            R"({"type":"audit","identity":"unix:control","peer":"unix:","method":"UpdateChannel",)"
            R"("object":"channel tick","request":"linger_ms=5","decision":"allowed",)"
            R"("rule":"all-of-us","result":"OK"})");
}

TEST_F(PolicyTest, WithoutOneNothingChanges) {
  Start();
  const FakeSource exec(hub(), "exec");
  EXPECT_THAT(Listed(), ElementsAre("exec"));
  EXPECT_THAT(audited(), IsEmpty());
}

TEST_F(PolicyTest, SocketHasTheIdentityThatItsListenerWasGiven) {
  std::get<rpc::UnixListener>(options_.listeners[0].where).identity = "unix:lab";
  StartAllowing(R"(read: "tick")");
  EXPECT_EQ(MetadataOf(DetailsOf(GetChannel("exec")), "identity"), "unix:lab");
}

}  // namespace
}  // namespace kchan::testing
