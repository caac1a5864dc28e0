// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_UNIT_CLIENT_FAKE_DAEMON_H_
#define KCHAN_TESTS_UNIT_CLIENT_FAKE_DAEMON_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "kchan/client.h"
#include "kchan/v1/channel_service.grpc.pb.h"
#include "kchan/v1/node_service.grpc.pb.h"

namespace kchan {

// FakeDaemon speaks kchan.v1 over a Unix socket of its own, does what a test
// tells it, and can go away and come back at the same address.
//
// Thread safety: all methods from any thread; scripts run on gRPC's.
class FakeDaemon final : public v1::ChannelService::Service, public v1::NodeService::Service {
 public:
  using Stream = grpc::ServerReaderWriter<v1::SubscribeResponse, v1::SubscribeRequest>;
  using Open = v1::SubscribeRequest::Open;
  // Serves one stream, whose first request was `open`; `connection` counts from
  // 0. It must end when a write or read fails.
  using SubscribeScript = std::function<grpc::Status(int connection, const Open& open, Stream&)>;
  using PublishScript = std::function<v1::PublishResponse(const v1::PublishRequest&)>;

  FakeDaemon();
  ~FakeDaemon() override;

  void Start();
  // Cuts every connection and closes the socket.
  void Stop();

  std::string target() const { return "unix:" + socket_path_; }
  std::shared_ptr<Client> NewClient() const;

  void set_subscribe(SubscribeScript script);
  void set_publish(PublishScript script);
  void set_channels(std::vector<v1::Channel> channels);
  void set_schema(v1::Schema schema);

  // The requests that opened streams so far.
  std::vector<Open> opens() const;
  // How many schemas were asked for.
  int schema_requests() const;

 private:
  grpc::Status Subscribe(grpc::ServerContext* context, Stream* stream) override;
  grpc::Status Publish(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::PublishResponse, v1::PublishRequest>* stream) override;
  grpc::Status ListChannels(grpc::ServerContext* context, const v1::ListChannelsRequest* request,
                            v1::ListChannelsResponse* response) override;
  grpc::Status GetChannel(grpc::ServerContext* context, const v1::GetChannelRequest* request,
                          v1::GetChannelResponse* response) override;
  grpc::Status GetSchema(grpc::ServerContext* context, const v1::GetSchemaRequest* request,
                         v1::GetSchemaResponse* response) override;
  grpc::Status WatchChannels(grpc::ServerContext* context, const v1::WatchChannelsRequest* request,
                             grpc::ServerWriter<v1::WatchChannelsResponse>* writer) override;
  grpc::Status GetNode(grpc::ServerContext* context, const v1::GetNodeRequest* request,
                       v1::GetNodeResponse* response) override;

  std::string directory_;
  std::string socket_path_;
  std::unique_ptr<grpc::Server> server_;

  mutable std::mutex mutex_;
  SubscribeScript subscribe_;
  PublishScript publish_;
  std::vector<v1::Channel> channels_;
  v1::Schema schema_;
  std::vector<Open> opens_;
  int schema_requests_ = 0;
};

// A status with the details that kchand sends.
grpc::Status DetailedStatus(grpc::StatusCode code, const std::string& message,
                            const std::string& reason, const std::string& bad_field = "",
                            int retry_after_ms = 0);

}  // namespace kchan

#endif  // KCHAN_TESTS_UNIT_CLIENT_FAKE_DAEMON_H_
