// SPDX-License-Identifier: Apache-2.0
#include "kchan/blocks.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "call.h"
#include "concat.h"
#include "kchan/v1/channel_service.grpc.pb.h"
#include "rpc_status.h"

namespace kchan {
namespace {

constexpr size_t kMaxExtentBytes = 1 << 20;  // of the protocol

}  // namespace

class BlockReader::Impl {
 public:
  Impl(const Client& client, std::string_view channel, const BlockTransferOptions& options)
      : operation_(Concat("read channel '", channel, "' at ", client.options().target)),
        stub_(v1::ChannelService::NewStub(client.grpc_channel())),
        offset_bytes_(options.offset_bytes),
        left_bytes_(options.length_bytes) {
    SetDeadline(context_, options.timeout);
    v1::ReadBlocksRequest request;
    request.set_channel(std::string(channel));
    request.set_offset_bytes(options.offset_bytes);
    request.set_length_bytes(options.length_bytes);
    has_length_ = options.length_bytes > 0;
    stream_ = stub_->ReadBlocks(&context_, request);
  }

  ~Impl() {
    context_.TryCancel();
    Finish().IgnoreError();
  }

  absl::StatusOr<std::string_view> Next() {
    if (finished_) return End();
    if (!stream_->Read(&response_)) {
      Finish().IgnoreError();
      return End();
    }
    const size_t length = response_.data().size();
    if (response_.offset_bytes() != offset_bytes_ || length == 0 ||
        (has_length_ && length > left_bytes_)) {
      context_.TryCancel();
      Finish().IgnoreError();
      status_ =
          absl::DataLossError(Concat(operation_, ": expected what is at ", offset_bytes_, ", got ",
                                     length, " bytes of ", response_.offset_bytes()));
      return status_;
    }
    offset_bytes_ += length;
    if (has_length_) left_bytes_ -= length;
    return std::string_view(response_.data());
  }

  uint64_t offset_bytes() const { return offset_bytes_; }
  void Cancel() { context_.TryCancel(); }

 private:
  absl::Status Finish() {
    if (!std::exchange(finished_, true)) status_ = FromGrpcStatus(stream_->Finish(), operation_);
    return status_;
  }

  absl::StatusOr<std::string_view> End() {
    if (!status_.ok()) return status_;
    if (has_length_ && left_bytes_ > 0) {
      return absl::DataLossError(
          Concat(operation_, ": ended at ", offset_bytes_, ", ", left_bytes_, " bytes early"));
    }
    return std::string_view();
  }

  const std::string operation_;
  const std::unique_ptr<v1::ChannelService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::ReadBlocksResponse>> stream_;
  v1::ReadBlocksResponse response_;
  uint64_t offset_bytes_;
  uint64_t left_bytes_;
  bool has_length_ = false;
  bool finished_ = false;
  absl::Status status_;
};

class BlockWriter::Impl {
 public:
  Impl(const Client& client, std::string_view channel, absl::Duration timeout)
      : operation_(Concat("write channel '", channel, "' at ", client.options().target)),
        stub_(v1::ChannelService::NewStub(client.grpc_channel())) {
    SetDeadline(context_, timeout);
    request_.set_channel(std::string(channel));
    stream_ = stub_->WriteBlocks(&context_, &response_);
  }

  ~Impl() {
    if (!finished_) context_.TryCancel();
    Finish().IgnoreError();
  }

  absl::Status Write(uint64_t offset_bytes, std::string_view data) {
    while (!data.empty()) {
      const std::string_view extent = data.substr(0, kMaxExtentBytes);
      if (finished_) return Ended();
      request_.set_offset_bytes(offset_bytes);
      request_.set_data(std::string(extent));
      if (!Send()) return Ended();
      offset_bytes += extent.size();
      data.remove_prefix(extent.size());
    }
    return absl::OkStatus();
  }

  absl::StatusOr<uint64_t> Close(bool flush) {
    if (finished_) return Ended();
    if (flush) {
      request_.set_offset_bytes(0);
      request_.clear_data();
      request_.set_flush(true);
      if (!Send()) return Ended();
    }
    stream_->WritesDone();
    if (absl::Status status = Finish(); !status.ok()) return status;
    return response_.written_bytes();
  }

  void Cancel() { context_.TryCancel(); }

 private:
  bool Send() { return stream_->Write(request_); }

  absl::Status Finish() {
    if (!std::exchange(finished_, true)) status_ = FromGrpcStatus(stream_->Finish(), operation_);
    return status_;
  }

  // Why nothing more can be written.
  absl::Status Ended() {
    absl::Status status = Finish();
    if (!status.ok()) return status;
    return absl::FailedPreconditionError(Concat(operation_, ": the transfer has ended"));
  }

  const std::string operation_;
  const std::unique_ptr<v1::ChannelService::Stub> stub_;
  grpc::ClientContext context_;
  v1::WriteBlocksRequest request_;
  v1::WriteBlocksResponse response_;
  std::unique_ptr<grpc::ClientWriter<v1::WriteBlocksRequest>> stream_;
  bool finished_ = false;
  absl::Status status_;
};

std::unique_ptr<BlockReader> BlockReader::Open(const Client& client, std::string_view channel,
                                               const BlockTransferOptions& options) {
  return std::unique_ptr<BlockReader>(
      new BlockReader(std::make_unique<Impl>(client, channel, options)));
}
BlockReader::BlockReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BlockReader::~BlockReader() = default;
absl::StatusOr<std::string_view> BlockReader::Next() { return impl_->Next(); }
uint64_t BlockReader::offset_bytes() const { return impl_->offset_bytes(); }
void BlockReader::Cancel() { impl_->Cancel(); }

std::unique_ptr<BlockWriter> BlockWriter::Open(const Client& client, std::string_view channel,
                                               absl::Duration timeout) {
  return std::unique_ptr<BlockWriter>(
      new BlockWriter(std::make_unique<Impl>(client, channel, timeout)));
}
BlockWriter::BlockWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BlockWriter::~BlockWriter() = default;
absl::Status BlockWriter::Write(uint64_t offset_bytes, std::string_view data) {
  return impl_->Write(offset_bytes, data);
}
absl::StatusOr<uint64_t> BlockWriter::Close(bool flush) { return impl_->Close(flush); }
void BlockWriter::Cancel() { impl_->Cancel(); }

absl::Status FlushBlocks(const Client& client, std::string_view channel) {
  v1::FlushBlocksRequest request;
  request.set_channel(std::string(channel));
  return Call<v1::FlushBlocksResponse>(client.options(),
                                       v1::ChannelService::NewStub(client.grpc_channel()),
                                       &v1::ChannelService::Stub::FlushBlocks, request,
                                       Concat("flush channel '", channel, "'"))
      .status();
}

}  // namespace kchan
