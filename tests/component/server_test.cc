// SPDX-License-Identifier: Apache-2.0
#include "tests/component/server_test.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>

#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

namespace kchan::testing {
namespace {

std::string MakeDirectory() {
  std::string path = "/tmp/kchan-component-XXXXXX";
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  return path;
}

std::shared_ptr<grpc::Channel> Connect(const std::string& path) {
  grpc::ChannelArguments arguments;
  // Else all channels to one path would share a connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Else gRPC would take in without bound what a stalled reader does not read,
  // and never make the server wait.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  return grpc::CreateCustomChannel("unix:" + path, grpc::InsecureChannelCredentials(), arguments);
}

template <typename Detail>
bool FindDetail(const google::rpc::Status& status, Detail& detail) {
  for (const auto& any : status.details()) {
    if (any.UnpackTo(&detail)) return true;
  }
  return false;
}

}  // namespace

hub::KernelAnswer FakeDoor::Publish(const std::string& /*channel*/, uint32_t /*type*/,
                                    std::span<const std::byte> payload) {
  ++publishes;
  return on_publish ? on_publish(payload) : hub::KernelAnswer{};
}

hub::KernelAnswer FakeDoor::Update(const std::string& /*channel*/,
                                   const hub::ChannelSettings& settings) {
  return on_update ? on_update(settings) : hub::KernelAnswer{};
}

absl::StatusOr<hub::ValueSnapshot> FakeDoor::ReadValues(const std::string& channel) {
  return on_read_values ? on_read_values() : KernelDoor::ReadValues(channel);
}

absl::StatusOr<hub::ValueChanged> FakeDoor::ChangeValue(const std::string& channel,
                                                        const hub::ValueChange& change) {
  return on_change_value ? on_change_value(change) : KernelDoor::ChangeValue(channel, change);
}

absl::Status FakeDoor::ReadBlocks(const std::string& channel, uint64_t offset,
                                  std::span<std::byte> to) {
  return on_read_blocks ? on_read_blocks(offset, to) : KernelDoor::ReadBlocks(channel, offset, to);
}

absl::Status FakeDoor::WriteBlocks(const std::string& channel, uint64_t offset,
                                   std::span<const std::byte> from) {
  return on_write_blocks ? on_write_blocks(offset, from)
                         : KernelDoor::WriteBlocks(channel, offset, from);
}

absl::Status FakeDoor::FlushBlocks(const std::string& channel) {
  return on_flush_blocks ? on_flush_blocks() : KernelDoor::FlushBlocks(channel);
}

void FakeDoor::DemandChanged(std::shared_ptr<hub::Channel> /*channel*/) {}

ServerTest::ServerTest() : directory_(MakeDirectory()) {
  options_.node = {"node-1", "boot-1", "6.1.0", "0.1", "1.0"};
  options_.listeners = {
      {rpc::UnixListener{directory_ + "/read.sock", 0600, ""}, rpc::Right::kRead},
      {rpc::UnixListener{directory_ + "/control.sock", 0600, ""}, rpc::Right::kControl}};
}

std::vector<std::string> ServerTest::audited() {
  const std::lock_guard lock(audit_mutex_);
  return audit_;
}

ServerTest::~ServerTest() {
  server_.reset();
  std::filesystem::remove_all(directory_);
}

void ServerTest::Start() {
  hub_ = std::make_unique<hub::Hub>(hub_limits_, [this](std::string_view) { return log_limits_; });
  hub_->SetDoor(&door_);
  if (on_hub_) on_hub_(*hub_);
  options_.audit = [this](const std::string& line) {
    const std::lock_guard lock(audit_mutex_);
    audit_.push_back(line);
  };
  auto server = rpc::Server::Start(*hub_, options_, netlink_);
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  read_channel_ = Connect(directory_ + "/read.sock");
  read_ = v1::ChannelService::NewStub(read_channel_);
  node_ = v1::NodeService::NewStub(read_channel_);
  control_channel_ = Connect(directory_ + "/control.sock");
  control_ = v1::ChannelService::NewStub(control_channel_);
}

void ServerTest::StopServing() { server_.reset(); }

void ServerTest::Stop() {
  StopServing();
  hub_.reset();
}

bool ServerTest::Eventually(const std::function<bool()>& is_true) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!is_true()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

v1::GetStatusResponse ServerTest::Status() {
  grpc::ClientContext context;
  v1::GetStatusResponse response;
  const grpc::Status status = node_->GetStatus(&context, {}, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response;
}

grpc::Status ServerTest::GetSchema(const std::string& channel, uint64_t id, v1::Schema& schema) {
  grpc::ClientContext context;
  v1::GetSchemaRequest request;
  request.set_channel(channel);
  request.set_schema_id(id);
  v1::GetSchemaResponse response;
  grpc::Status status = read_->GetSchema(&context, request, &response);
  schema = response.schema();
  return status;
}

bool ServerTest::HasNoSubscriptions() {
  return Eventually([this] { return Status().subscriptions() == 0; });
}

std::string WithoutTime(const std::string& line) {
  // Not std::regex: gcc 12 warns of it under AddressSanitizer.
  static constexpr std::string_view kShape = R"("time":"dddd-dd-ddTdd:dd:dd.ddddddZ",)";
  const size_t at = line.find(kShape.substr(0, 8));
  std::string shape = at == std::string::npos ? "" : line.substr(at, kShape.size());
  std::replace_if(
      shape.begin(), shape.end(), [](unsigned char c) { return std::isdigit(c); }, 'd');
  EXPECT_EQ(shape, kShape) << line;
  return std::string(line).erase(std::min(at, line.size()), shape.size());
}

google::rpc::Status DetailsOf(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.code(), static_cast<int>(status.error_code()));
  return details;
}

std::string ReasonOf(const google::rpc::Status& status) {
  google::rpc::ErrorInfo info;
  EXPECT_TRUE(FindDetail(status, info)) << status.ShortDebugString();
  EXPECT_EQ(info.domain(), "kchan.v1");
  return info.reason();
}

std::string MetadataOf(const google::rpc::Status& status, const std::string& key) {
  google::rpc::ErrorInfo info;
  EXPECT_TRUE(FindDetail(status, info)) << status.ShortDebugString();
  const auto found = info.metadata().find(key);
  return found == info.metadata().end() ? "" : found->second;
}

std::string FieldOf(const google::rpc::Status& status) {
  google::rpc::BadRequest bad;
  return FindDetail(status, bad) ? bad.field_violations(0).field() : "";
}

bool HasRetryInfo(const google::rpc::Status& status) {
  google::rpc::RetryInfo retry;
  return FindDetail(status, retry);
}

}  // namespace kchan::testing
