// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_COMPONENT_SERVER_TEST_H_
#define KCHAN_TESTS_COMPONENT_SERVER_TEST_H_

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bridge/hub/hub.h"
#include "bridge/hub/kernel_door.h"
#include "bridge/rpc/server.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/channel.h"
#include "gtest/gtest.h"
#include "kchan/v1/channel_service.grpc.pb.h"
#include "kchan/v1/node_service.grpc.pb.h"

namespace kchan::testing {

// A kernel that answers as a test tells it to.
class FakeDoor final : public hub::KernelDoor {
 public:
  hub::KernelAnswer Publish(const std::string& channel, uint32_t type,
                            std::span<const std::byte> payload) override;
  hub::KernelAnswer Update(const std::string& channel,
                           const hub::ChannelSettings& settings) override;
  absl::StatusOr<hub::ValueSnapshot> ReadValues(const std::string& channel) override;
  absl::StatusOr<hub::ValueChanged> ChangeValue(const std::string& channel,
                                                const hub::ValueChange& change) override;
  absl::Status ReadBlocks(const std::string& channel, uint64_t offset,
                          std::span<std::byte> to) override;
  absl::Status WriteBlocks(const std::string& channel, uint64_t offset,
                           std::span<const std::byte> from) override;
  absl::Status FlushBlocks(const std::string& channel) override;
  void DemandChanged(std::shared_ptr<hub::Channel> channel) override;

  // What Publish() and Update() do; the default says OK. Set before any call.
  std::function<hub::KernelAnswer(std::span<const std::byte>)> on_publish;
  std::function<hub::KernelAnswer(const hub::ChannelSettings&)> on_update;
  std::atomic<int> publishes{0};
  // The same for values and blocks; the default is the base class's: there are
  // none.
  std::function<absl::StatusOr<hub::ValueSnapshot>()> on_read_values;
  std::function<absl::StatusOr<hub::ValueChanged>(const hub::ValueChange&)> on_change_value;
  std::function<absl::Status(uint64_t offset, std::span<std::byte>)> on_read_blocks;
  std::function<absl::Status(uint64_t offset, std::span<const std::byte>)> on_write_blocks;
  std::function<absl::Status()> on_flush_blocks;
};

// A server on two Unix sockets, read and control, in a folder of its own.
class ServerTest : public ::testing::Test {
 protected:
  ServerTest();
  ~ServerTest() override;

  // Change before Start().
  hub::HubLimits hub_limits_;
  hub::LogLimits log_limits_{.max_bytes = 4 << 20, .segment_bytes = 64 << 10};
  rpc::ServerOptions options_;

  // Null: there is no NetlinkService.
  const netlink::NetlinkEngine* netlink_ = nullptr;

  // Told of the hub before anybody else.
  std::function<void(hub::Hub&)> on_hub_;

  void Start();
  // The first and the second half of a daemon's end; Start() may follow.
  void StopServing();
  void Stop();

  // What the audit has been told so far.
  std::vector<std::string> audited();

  hub::Hub& hub() { return *hub_; }
  rpc::Server& server() { return *server_; }
  FakeDoor& door() { return door_; }
  v1::ChannelService::Stub& stub() { return *read_; }
  v1::ChannelService::Stub& control_stub() { return *control_; }
  v1::NodeService::Stub& node_stub() { return *node_; }
  const std::string& directory() const { return directory_; }
  const std::shared_ptr<grpc::Channel>& read_channel() const { return read_channel_; }
  const std::shared_ptr<grpc::Channel>& control_channel() const { return control_channel_; }

  // Waits until `is_true`, 10 s at most.
  static bool Eventually(const std::function<bool()>& is_true);
  // Waits until the server has no stream of any kind.
  bool HasNoSubscriptions();
  v1::GetStatusResponse Status();
  grpc::Status GetSchema(const std::string& channel, uint64_t id, v1::Schema& schema);

 private:
  const std::string directory_;
  std::mutex audit_mutex_;
  std::vector<std::string> audit_;  // guarded by audit_mutex_
  FakeDoor door_;
  std::unique_ptr<hub::Hub> hub_;
  std::unique_ptr<rpc::Server> server_;
  std::shared_ptr<grpc::Channel> read_channel_;
  std::shared_ptr<grpc::Channel> control_channel_;
  std::unique_ptr<v1::ChannelService::Stub> read_;
  std::unique_ptr<v1::ChannelService::Stub> control_;
  std::unique_ptr<v1::NodeService::Stub> node_;
};

// A line of the audit without its time; fails if it has none.
std::string WithoutTime(const std::string& line);

// The details of an error.
google::rpc::Status DetailsOf(const grpc::Status& status);
std::string ReasonOf(const google::rpc::Status& status);
// A fact of its ErrorInfo; empty if there is no such.
std::string MetadataOf(const google::rpc::Status& status, const std::string& key);
// The field that a BadRequest names; empty if there is none.
std::string FieldOf(const google::rpc::Status& status);
bool HasRetryInfo(const google::rpc::Status& status);

}  // namespace kchan::testing

#endif  // KCHAN_TESTS_COMPONENT_SERVER_TEST_H_
