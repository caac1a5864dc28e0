// SPDX-License-Identifier: Apache-2.0
// NodeService, health, reflection.
#include <memory>
#include <string>

#include "google/protobuf/wrappers.pb.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "tests/component/fake_source.h"
#include "tests/component/reader.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

constexpr int kServing = 1;
constexpr int kNotServing = 2;

class NodeTest : public ServerTest {
 protected:
  // The state of `service`. The standard messages are {string service = 1} and
  // {enum status = 1}, which is what these wrappers are on the wire.
  int Health(const std::string& service) {
    grpc::TemplatedGenericStub<google::protobuf::StringValue, google::protobuf::Int32Value> health(
        read_channel());
    grpc::ClientContext context;
    google::protobuf::StringValue request;
    request.set_value(service);
    google::protobuf::Int32Value response;
    grpc::CompletionQueue queue;
    auto call = health.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", request, &queue);
    call->StartCall();
    grpc::Status status;
    call->Finish(&response, &status, nullptr);
    Drain(queue);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.value();
  }

  static void Drain(grpc::CompletionQueue& queue) {
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
  }

  void SetKernelSide(hub::KernelSideState state) {
    hub::KernelSideStatus status;
    status.state = state;
    hub().SetKernelSide(status);
  }
};

TEST_F(NodeTest, NodeSaysWhoItIsAndWhichModuleItHas) {
  Start();
  hub().SetKernelSide({hub::KernelSideState::kReady, "1.2.3", "1.0", {}});
  grpc::ClientContext context;
  v1::GetNodeResponse response;
  ASSERT_TRUE(node_stub().GetNode(&context, {}, &response).ok());
  EXPECT_EQ(response.node().name(), "node-1");
  EXPECT_EQ(response.node().boot_id(), "boot-1");
  EXPECT_EQ(response.node().module_version(), "1.2.3");
  EXPECT_EQ(response.node().module_abi(), "1.0");
}

TEST_F(NodeTest, StatusSaysWhatIsMissingAndWhatToDo) {
  Start();
  hub().SetKernelSide({hub::KernelSideState::kAbsent,
                       "",
                       "",
                       {{"kernel side", "kchan.ko is not loaded", "modprobe kchan"}}});
  const v1::GetStatusResponse status = Status();
  EXPECT_EQ(status.kernel_side(), v1::KERNEL_SIDE_ABSENT);
  ASSERT_EQ(status.problems_size(), 1);
  EXPECT_EQ(status.problems(0).remedy(), "modprobe kchan");
}

TEST_F(NodeTest, StatusCountsRecordsLossesAndReaders) {
  Start();
  FakeSource tick(hub(), "tick");
  tick.Append(10);
  tick.AppendLoss(3, hub::LossStage::kKernelRing);
  tick.AppendLoss(2, hub::LossStage::kKernelTransport);
  tick.AppendLoss(1, hub::LossStage::kSource);
  Reader reader(stub(), OpenOf("tick"));
  ASSERT_TRUE(reader.Next()->has_hello());
  const v1::GetStatusResponse status = Status();
  EXPECT_EQ(status.subscriptions(), 1u);
  EXPECT_GT(status.log_bytes(), 0u);
  ASSERT_EQ(status.channels_size(), 1);
  const v1::ChannelCounters& counters = status.channels(0);
  EXPECT_EQ(counters.records(), 10u);
  EXPECT_GT(counters.bytes(), 0u);
  EXPECT_EQ(counters.lost_kernel_ring(), 3u);
  EXPECT_EQ(counters.lost_kernel_transport(), 2u);
  EXPECT_EQ(counters.lost_source(), 1u);
  EXPECT_EQ(counters.subscriptions(), 1u);
}

TEST_F(NodeTest, DaemonIsHealthyWithNoKernelSideButItsChannelsAreNot) {
  Start();
  SetKernelSide(hub::KernelSideState::kAbsent);
  EXPECT_EQ(Health(""), kServing);
  EXPECT_TRUE(Eventually([&] { return Health("kchan.v1.ChannelService") == kNotServing; }));
}

TEST_F(NodeTest, ChannelsAreHealthyWithTheKernelSideOrWithALiveSource) {
  Start();
  const std::string service = "kchan.v1.ChannelService";
  SetKernelSide(hub::KernelSideState::kReady);
  EXPECT_TRUE(Eventually([&] { return Health(service) == kServing; }));
  SetKernelSide(hub::KernelSideState::kQuiesced);
  EXPECT_TRUE(Eventually([&] { return Health(service) == kNotServing; }));
  FakeSource tick(hub(), "tick");
  EXPECT_TRUE(Eventually([&] { return Health(service) == kServing; }));
  tick.channel().SetState(hub::ChannelState::kEnded, "");
  EXPECT_TRUE(Eventually([&] { return Health(service) == kNotServing; }));
}

TEST_F(NodeTest, ReflectionListsTheServices) {
  Start();
  grpc::GenericStub stub(read_channel());
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  auto call = stub.PrepareCall(
      &context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  call->StartCall(nullptr);
  Drain(queue);
  // ServerReflectionRequest{list_services: "*"}: field 7, a string.
  const grpc::Slice request(std::string("\x3a\x01*"));
  call->Write(grpc::ByteBuffer(&request, 1), nullptr);
  Drain(queue);
  grpc::ByteBuffer response;
  call->Read(&response, nullptr);
  Drain(queue);
  grpc::Slice slice;
  ASSERT_TRUE(response.DumpToSingleSlice(&slice).ok());
  const std::string text(reinterpret_cast<const char*>(slice.begin()), slice.size());
  for (const char* name :
       {"kchan.v1.ChannelService", "kchan.v1.NodeService", "grpc.health.v1.Health"}) {
    EXPECT_NE(text.find(name), std::string::npos) << name;
  }
  context.TryCancel();
  grpc::Status status;
  call->Finish(&status, nullptr);
  Drain(queue);
}

}  // namespace
}  // namespace kchan::testing
