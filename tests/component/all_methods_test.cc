// SPDX-License-Identifier: Apache-2.0
// Every method of the API, found in its description, is refused without its right.
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "bridge/security/policy_file.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/text_format.h"
#include "grpcpp/generic/generic_stub.h"
#include "kchan/v1/netlink_service.grpc.pb.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

using google::protobuf::MethodDescriptor;

// What a rule can give.
constexpr char kRead[] = R"(read: "thing")";
constexpr char kWrite[] = R"(write: "thing")";
constexpr char kControl[] = R"(control: "thing")";
constexpr char kStatus[] = "status: true";
constexpr char kNetlink[] = R"(netlink { read: "nlctrl" })";
const std::set<std::string> kAll = {kRead, kWrite, kControl, kStatus, kNetlink};

struct Method {
  std::string request;              // in text format
  std::set<std::string> opened_by;  // each of these alone
};

// A method that is not here fails the test: add it, with what it needs.
const std::map<std::string, Method>& Methods() {
  static const auto& methods = *new std::map<std::string, Method>{
      {"ListChannels", {"", {kRead, kNetlink}}},
      {"WatchChannels", {"", {kRead, kNetlink}}},
      {"GetChannel", {R"(name: "thing")", {kRead, kWrite, kControl}}},
      {"GetSchema", {R"(channel: "thing")", {kRead, kWrite, kControl}}},
      {"Subscribe", {R"(open { selections { name: "thing" } })", {kRead}}},
      {"GetValues", {R"(channel: "thing")", {kRead}}},
      {"WatchValues", {R"(channels: "thing")", {kRead}}},
      {"ReadBlocks", {R"(channel: "thing")", {kRead}}},
      {"Publish", {R"(channel: "thing")", {kWrite}}},
      {"SetValue", {R"(channel: "thing")", {kWrite}}},
      {"AddValue", {R"(channel: "thing")", {kWrite}}},
      {"CompareAndSwapValue", {R"(channel: "thing")", {kWrite}}},
      {"WriteBlocks", {R"(channel: "thing")", {kWrite}}},
      {"FlushBlocks", {R"(channel: "thing")", {kWrite}}},
      {"UpdateChannel", {R"(name: "thing")", {kControl}}},
      {"ListFamilies", {"", {kNetlink}}},
      {"DescribeFamily", {R"(family: "nlctrl")", {kNetlink}}},
      {"Request", {R"(family: "nlctrl" operation: "3" mode: NETLINK_MODE_DUMP)", {kNetlink}}},
      {"Decode", {R"(family: "nlctrl")", {kNetlink}}},
      {"GetNode", {"", kAll}},
      {"GetStatus", {"", {kStatus}}},
  };
  return methods;
}

std::vector<const MethodDescriptor*> AllMethods() {
  std::vector<const MethodDescriptor*> all;
  for (const char* service :
       {v1::ChannelService::service_full_name(), v1::NetlinkService::service_full_name(),
        v1::NodeService::service_full_name()}) {
    const auto* found =
        google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(service);
    for (int i = 0; i < found->method_count(); ++i) all.push_back(found->method(i));
  }
  return all;
}

std::string SerializedRequest(const MethodDescriptor& method, const std::string& text) {
  const std::unique_ptr<google::protobuf::Message> request(
      google::protobuf::MessageFactory::generated_factory()
          ->GetPrototype(method.input_type())
          ->New());
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, request.get())) << text;
  return request->SerializeAsString();
}

class AllMethodsTest : public ServerTest {
 protected:
  AllMethodsTest() { netlink_ = &engine_; }

  void SetRule(const std::set<std::string>& lines) {
    std::string text = "unix_sockets: UNIX_SOCKET_RIGHTS_BY_POLICY\n";
    if (!lines.empty()) {
      absl::StrAppend(&text, "roles { name: 'us' members: 'unix:control' } rules { roles: 'us' ",
                      absl::StrJoin(lines, " "), " }");
    }
    const auto policy = security::ParsePolicy(text, "policy");
    ASSERT_TRUE(policy.ok()) << policy.status();
    server().SetPolicy(*policy);
  }

  // How a call ends; OK as soon as there is an answer.
  grpc::Status Call(const MethodDescriptor& method, const std::string& request) {
    grpc::GenericStub stub(control_channel());
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    grpc::CompletionQueue queue;
    const auto await = [&queue] {
      void* tag = nullptr;
      bool ok = false;
      return queue.Next(&tag, &ok) && ok;
    };
    const auto call = stub.PrepareCall(
        &context, absl::StrCat("/", method.service()->full_name(), "/", method.name()), &queue);
    call->StartCall(nullptr);
    await();
    const grpc::Slice slice(request);
    call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
    await();
    grpc::ByteBuffer response;
    call->Read(&response, nullptr);
    const bool is_answered = await();
    if (is_answered) context.TryCancel();
    grpc::Status status;
    call->Finish(&status, nullptr);
    await();
    return is_answered ? grpc::Status::OK : status;
  }

 private:
  const netlink::NetlinkEngine engine_{netlink::NetlinkOptions()};
};

TEST_F(AllMethodsTest, WithoutAnyRightEachIsDeniedBeforeItLooksAtItsRequest) {
  Start();
  SetRule({});
  for (const MethodDescriptor* method : AllMethods()) {
    const grpc::Status status = Call(*method, "");
    EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED)
        << method->full_name() << ": " << status.error_message();
    if (status.error_code() != grpc::StatusCode::PERMISSION_DENIED) continue;
    EXPECT_EQ(ReasonOf(DetailsOf(status)), "NOT_ALLOWED") << method->full_name();
    EXPECT_EQ(MetadataOf(DetailsOf(status), "identity"), "unix:control") << method->full_name();
    const std::string last = audited().back();
    EXPECT_NE(last.find(absl::StrCat(R"("method":")", method->name(), R"(")")), std::string::npos)
        << last;
    EXPECT_NE(last.find(R"("decision":"denied")"), std::string::npos) << last;
  }
}

TEST_F(AllMethodsTest, EachIsDeniedWithAllRightsButItsOwn) {
  Start();
  for (const MethodDescriptor* method : AllMethods()) {
    const auto known = Methods().find(method->name());
    ASSERT_NE(known, Methods().end()) << method->full_name() << " is new: say what right it needs";
    std::set<std::string> others = kAll;
    for (const std::string& line : known->second.opened_by) others.erase(line);
    SetRule(others);
    const grpc::Status status = Call(*method, SerializedRequest(*method, known->second.request));
    EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED)
        << method->full_name() << ": " << status.error_message();
  }
}

TEST_F(AllMethodsTest, EachIsAllowedByEachRightThatOpensIt) {
  Start();
  for (const MethodDescriptor* method : AllMethods()) {
    const Method& known = Methods().at(method->name());
    for (const std::string& line : known.opened_by) {
      SetRule({line});
      const grpc::Status status = Call(*method, SerializedRequest(*method, known.request));
      EXPECT_NE(status.error_code(), grpc::StatusCode::PERMISSION_DENIED)
          << method->full_name() << " with " << line << ": " << status.error_message();
      EXPECT_NE(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED) << method->full_name();
    }
  }
}

}  // namespace
}  // namespace kchan::testing
