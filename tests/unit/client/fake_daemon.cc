// SPDX-License-Identifier: Apache-2.0
#include "fake_daemon.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>
#include <utility>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace kchan {

FakeDaemon::FakeDaemon() {
  std::string path = testing::TempDir() + "kchan-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) std::abort();
  directory_ = path;
  socket_path_ = directory_ + "/read.sock";
}

FakeDaemon::~FakeDaemon() {
  Stop();
  rmdir(directory_.c_str());
}

void FakeDaemon::Start() {
  grpc::ServerBuilder builder;
  builder.AddListeningPort(target(), grpc::InsecureServerCredentials());
  builder.RegisterService(static_cast<v1::ChannelService::Service*>(this));
  builder.RegisterService(static_cast<v1::NodeService::Service*>(this));
  server_ = builder.BuildAndStart();
  if (!server_) std::abort();
}

void FakeDaemon::Stop() {
  if (!server_) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_.reset();
  unlink(socket_path_.c_str());
}

std::shared_ptr<Client> FakeDaemon::NewClient() const {
  auto client = Client::Connect({.target = target()});
  EXPECT_TRUE(client.ok()) << client.status();
  return *client;
}

void FakeDaemon::set_subscribe(SubscribeScript script) {
  std::lock_guard lock(mutex_);
  subscribe_ = std::move(script);
}

void FakeDaemon::set_publish(PublishScript script) {
  std::lock_guard lock(mutex_);
  publish_ = std::move(script);
}

void FakeDaemon::set_channels(std::vector<v1::Channel> channels) {
  std::lock_guard lock(mutex_);
  channels_ = std::move(channels);
}

void FakeDaemon::set_schema(v1::Schema schema) {
  std::lock_guard lock(mutex_);
  schema_ = std::move(schema);
}

std::vector<FakeDaemon::Open> FakeDaemon::opens() const {
  std::lock_guard lock(mutex_);
  return opens_;
}

int FakeDaemon::schema_requests() const {
  std::lock_guard lock(mutex_);
  return schema_requests_;
}

grpc::Status FakeDaemon::Subscribe(grpc::ServerContext*, Stream* stream) {
  v1::SubscribeRequest first;
  if (!stream->Read(&first)) return grpc::Status(grpc::StatusCode::CANCELLED, "no first request");
  if (!first.has_open()) return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "not open");
  SubscribeScript script;
  int connection;
  {
    std::lock_guard lock(mutex_);
    script = subscribe_;
    connection = static_cast<int>(opens_.size());
    opens_.push_back(first.open());
  }
  return script(connection, first.open(), *stream);
}

grpc::Status FakeDaemon::Publish(
    grpc::ServerContext*,
    grpc::ServerReaderWriter<v1::PublishResponse, v1::PublishRequest>* stream) {
  PublishScript script;
  {
    std::lock_guard lock(mutex_);
    script = publish_;
  }
  v1::PublishRequest request;
  while (stream->Read(&request)) {
    if (!stream->Write(script(request))) break;
  }
  return grpc::Status::OK;
}

grpc::Status FakeDaemon::ListChannels(grpc::ServerContext*, const v1::ListChannelsRequest* request,
                                      v1::ListChannelsResponse* response) {
  // One channel a page, so that a client must follow the pages.
  std::lock_guard lock(mutex_);
  const size_t at = request->page_token().empty() ? 0 : std::stoul(request->page_token());
  if (at < channels_.size()) *response->add_channels() = channels_[at];
  if (at + 1 < channels_.size()) response->set_next_page_token(std::to_string(at + 1));
  return grpc::Status::OK;
}

grpc::Status FakeDaemon::GetChannel(grpc::ServerContext*, const v1::GetChannelRequest* request,
                                    v1::GetChannelResponse* response) {
  std::lock_guard lock(mutex_);
  for (const v1::Channel& channel : channels_) {
    if (channel.name() != request->name()) continue;
    *response->mutable_channel() = channel;
    return grpc::Status::OK;
  }
  return DetailedStatus(grpc::StatusCode::NOT_FOUND, "no channel '" + request->name() + "'",
                        "CHANNEL_NOT_FOUND");
}

grpc::Status FakeDaemon::GetSchema(grpc::ServerContext*, const v1::GetSchemaRequest*,
                                   v1::GetSchemaResponse* response) {
  std::lock_guard lock(mutex_);
  ++schema_requests_;
  *response->mutable_schema() = schema_;
  return grpc::Status::OK;
}

grpc::Status FakeDaemon::WatchChannels(grpc::ServerContext* context,
                                       const v1::WatchChannelsRequest*,
                                       grpc::ServerWriter<v1::WatchChannelsResponse>* writer) {
  std::vector<v1::Channel> channels;
  {
    std::lock_guard lock(mutex_);
    channels = channels_;
  }
  v1::WatchChannelsResponse change;
  for (const v1::Channel& channel : channels) {
    *change.mutable_updated() = channel;
    writer->Write(change);
  }
  change.set_synced(true);
  writer->Write(change);
  // A watch never ends by itself.
  while (!context->IsCancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return grpc::Status::OK;
}

grpc::Status FakeDaemon::GetNode(grpc::ServerContext*, const v1::GetNodeRequest*,
                                 v1::GetNodeResponse* response) {
  response->mutable_node()->set_name("fake");
  return grpc::Status::OK;
}

grpc::Status DetailedStatus(grpc::StatusCode code, const std::string& message,
                            const std::string& reason, const std::string& bad_field,
                            int retry_after_ms) {
  google::rpc::Status status;
  status.set_code(code);
  status.set_message(message);
  google::rpc::ErrorInfo info;
  info.set_domain("kchan.v1");
  info.set_reason(reason);
  (*info.mutable_metadata())["channel"] = "exec";
  status.add_details()->PackFrom(info);
  if (!bad_field.empty()) {
    google::rpc::BadRequest bad;
    google::rpc::BadRequest::FieldViolation& violation = *bad.add_field_violations();
    violation.set_field(bad_field);
    violation.set_description("is wrong");
    status.add_details()->PackFrom(bad);
  }
  if (retry_after_ms != 0) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_nanos(retry_after_ms * 1'000'000);
    status.add_details()->PackFrom(retry);
  }
  return grpc::Status(code, message, status.SerializeAsString());
}

}  // namespace kchan
