// SPDX-License-Identifier: Apache-2.0
// ReadBlocks, WriteBlocks, FlushBlocks.
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "tests/component/fake_source.h"
#include "tests/component/fake_values.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

using grpc::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kCapacity = 4 * kMiB + 512;

v1::ReadBlocksRequest ReadRequest(uint64_t offset, uint64_t length,
                                  const std::string& channel = "disk") {
  v1::ReadBlocksRequest request;
  request.set_channel(channel);
  request.set_offset_bytes(offset);
  request.set_length_bytes(length);
  return request;
}

v1::WriteBlocksRequest WriteRequest(uint64_t offset, const std::string& data,
                                    const std::string& channel = "disk") {
  v1::WriteBlocksRequest request;
  request.set_channel(channel);
  request.set_offset_bytes(offset);
  request.set_data(data);
  return request;
}

// A region in memory behind the door.
class BlocksTest : public ServerTest {
 protected:
  BlocksTest() : region_(kCapacity, '\0') {
    for (size_t i = 0; i < region_.size(); ++i) region_[i] = static_cast<char>(i / 512 * 7);
    door().on_read_blocks = [this](uint64_t offset, std::span<std::byte> to) {
      const std::lock_guard lock(mutex_);
      reads_.push_back(to.size());
      std::memcpy(to.data(), region_.data() + offset, to.size());
      return read_status_;
    };
    door().on_write_blocks = [this](uint64_t offset, std::span<const std::byte> from) {
      const std::lock_guard lock(mutex_);
      if (!write_status_.ok()) return write_status_;
      std::memcpy(region_.data() + offset, from.data(), from.size());
      return absl::OkStatus();
    };
    door().on_flush_blocks = [this] {
      const std::lock_guard lock(mutex_);
      ++flushes_;
      return absl::OkStatus();
    };
  }

  // A server with the region as channel "disk".
  void StartWithDisk(bool read_only = false) {
    Start();
    AddFakeBlocks(hub(), "disk",
                  {.capacity_bytes = kCapacity, .block_bytes = 512, .read_only = read_only});
  }

  // All that is read; checks that it comes without gaps.
  grpc::Status Read(const v1::ReadBlocksRequest& request, std::string& data) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    const auto stream = stub().ReadBlocks(&context, request);
    v1::ReadBlocksResponse response;
    data.clear();
    while (stream->Read(&response)) {
      EXPECT_EQ(response.offset_bytes(), request.offset_bytes() + data.size());
      EXPECT_LE(response.data().size(), kMiB);
      data += response.data();
    }
    return stream->Finish();
  }

  grpc::Status Write(v1::ChannelService::Stub& stub,
                     const std::vector<v1::WriteBlocksRequest>& requests) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    v1::WriteBlocksResponse response;
    const auto stream = stub.WriteBlocks(&context, &response);
    for (const v1::WriteBlocksRequest& request : requests) {
      if (!stream->Write(request)) break;
    }
    stream->WritesDone();
    const grpc::Status status = stream->Finish();
    written_bytes_ = response.written_bytes();
    return status;
  }

  std::string region() {
    const std::lock_guard lock(mutex_);
    return region_;
  }

  std::mutex mutex_;  // guards what follows against the door's threads
  std::string region_;
  std::vector<size_t> reads_;
  absl::Status read_status_;
  absl::Status write_status_;
  int flushes_ = 0;

  uint64_t written_bytes_ = 0;
};

TEST_F(BlocksTest, ExtentIsStreamedWholeAndInOrder) {
  StartWithDisk();
  std::string data;
  ASSERT_TRUE(Read(ReadRequest(512, 2 * kMiB + 1024), data).ok());
  EXPECT_EQ(data, region_.substr(512, 2 * kMiB + 1024));
  EXPECT_THAT(reads_, ElementsAre(kMiB, kMiB, 1024));
}

TEST_F(BlocksTest, NoLengthIsUpToTheEnd) {
  StartWithDisk();
  std::string data;
  ASSERT_TRUE(Read(ReadRequest(0, 0), data).ok());
  EXPECT_EQ(data, region_);
  ASSERT_TRUE(Read(ReadRequest(kCapacity, 0), data).ok()) << "the end itself";
  EXPECT_EQ(data, "");
}

TEST_F(BlocksTest, WrongExtentsNeverReachTheKernel) {
  StartWithDisk();
  std::string data;
  const grpc::Status offset = Read(ReadRequest(511, 512), data);
  EXPECT_EQ(offset.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(DetailsOf(offset)), "offset_bytes");
  const grpc::Status length = Read(ReadRequest(512, 1000), data);
  EXPECT_EQ(FieldOf(DetailsOf(length)), "length_bytes");
  EXPECT_EQ(Read(ReadRequest(kCapacity, 512), data).error_code(), StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(Read(ReadRequest(kCapacity + 512, 0), data).error_code(), StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(Read(ReadRequest(512, ~uint64_t{0} - 511), data).error_code(), StatusCode::OUT_OF_RANGE)
      << "the sum wraps around";
  EXPECT_EQ(Write(control_stub(), {WriteRequest(kCapacity, std::string(512, 'x'))}).error_code(),
            StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(Write(control_stub(), {WriteRequest(0, std::string(100, 'x'))}).error_code(),
            StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Write(control_stub(), {WriteRequest(0, std::string(kMiB + 512, 'x'))}).error_code(),
            StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Write(control_stub(), {WriteRequest(0, "")}).error_code(),
            StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(reads_.empty());
}

TEST_F(BlocksTest, ChannelsOfOtherKindsSayWhatToUse) {
  Start();
  FakeSource tick(hub(), "tick");
  std::string data;
  const grpc::Status status = Read(ReadRequest(0, 0, "tick"), data);
  EXPECT_EQ(status.error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("use Subscribe"));
  EXPECT_EQ(Read(ReadRequest(0, 0, "none"), data).error_code(), StatusCode::NOT_FOUND);
}

TEST_F(BlocksTest, ErrorInTheMiddleEndsTheStreamWithIt) {
  StartWithDisk();
  door().on_read_blocks = [](uint64_t offset, std::span<std::byte>) {
    return offset < kMiB ? absl::OkStatus() : absl::UnavailableError("the device went away");
  };
  std::string data;
  const grpc::Status status = Read(ReadRequest(0, 0), data);
  EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "the device went away");
  EXPECT_EQ(data.size(), kMiB);
}

TEST_F(BlocksTest, ExtentsAreWrittenInOrderAndFlushed) {
  StartWithDisk();
  auto last = WriteRequest(1024, std::string(512, 'c'), "");
  last.set_flush(true);
  const grpc::Status status =
      Write(control_stub(), {WriteRequest(512, std::string(kMiB, 'a')),
                             WriteRequest(512, std::string(512, 'b'), ""), last});
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(written_bytes_, kMiB + 1024);
  EXPECT_EQ(flushes_, 1);
  EXPECT_EQ(region().substr(512, 1025), std::string(512, 'b') + std::string(512, 'c') + "a");
  EXPECT_TRUE(
      Eventually([this] { return audited().size() == 2; }));  // told when the call is quite over
  EXPECT_THAT(audited()[0], HasSubstr(R"("object":"channel disk")"));
  EXPECT_THAT(audited()[0], HasSubstr(R"("result":"begun")"));
  EXPECT_THAT(audited()[1], HasSubstr(R"("request":"1049600 bytes written")"));
  EXPECT_THAT(audited()[1], HasSubstr(R"("result":"OK")"));
}

TEST_F(BlocksTest, WhatCameBeforeTheFailureIsWritten) {
  StartWithDisk();
  const grpc::Status status =
      Write(control_stub(), {WriteRequest(0, std::string(512, 'a')),
                             WriteRequest(512, std::string(512, 'b'), "other"),
                             WriteRequest(1024, std::string(512, 'c'))});
  EXPECT_EQ(FieldOf(DetailsOf(status)), "channel");
  EXPECT_EQ(region().substr(0, 512), std::string(512, 'a'));
  EXPECT_NE(region()[512], 'b');
  EXPECT_NE(region()[1024], 'c');
}

TEST_F(BlocksTest, NothingWrittenIsAMistake) {
  StartWithDisk();
  EXPECT_EQ(Write(control_stub(), {}).error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Write(control_stub(), {WriteRequest(0, std::string(512, 'a'), "")}).error_code(),
            StatusCode::INVALID_ARGUMENT);
}

TEST_F(BlocksTest, WritingNeedsTheControlRightAndAWritableDevice) {
  StartWithDisk(/*read_only=*/true);
  const std::vector<v1::WriteBlocksRequest> requests{WriteRequest(0, std::string(512, 'a'))};
  EXPECT_EQ(Write(stub(), requests).error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(audited(), ElementsAre(HasSubstr(R"("decision":"denied")")));
  const grpc::Status read_only = Write(control_stub(), requests);
  EXPECT_EQ(read_only.error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(ReasonOf(DetailsOf(read_only)), "READ_ONLY");
}

TEST_F(BlocksTest, FlushIsTheKernels) {
  StartWithDisk();
  v1::FlushBlocksRequest request;
  request.set_channel("disk");
  v1::FlushBlocksResponse response;
  grpc::ClientContext denied;
  EXPECT_EQ(stub().FlushBlocks(&denied, request, &response).error_code(),
            StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(flushes_, 0);
  grpc::ClientContext context;
  EXPECT_TRUE(control_stub().FlushBlocks(&context, request, &response).ok());
  EXPECT_EQ(flushes_, 1);
}

// A transfer whose client does not read.
class StalledReader {
 public:
  explicit StalledReader(v1::ChannelService::Stub& stub) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    stream_ = stub.ReadBlocks(&context_, ReadRequest(0, 0));
    EXPECT_TRUE(stream_->Read(&response_));
  }
  ~StalledReader() {
    context_.TryCancel();
    Finish();
  }
  grpc::Status Finish() {
    if (finished_) return status_;
    while (stream_->Read(&response_)) {
    }
    finished_ = true;
    return status_ = stream_->Finish();
  }

 private:
  grpc::ClientContext context_;
  v1::ReadBlocksResponse response_;
  std::unique_ptr<grpc::ClientReader<v1::ReadBlocksResponse>> stream_;
  bool finished_ = false;
  grpc::Status status_;
};

TEST_F(BlocksTest, OneTransferTooManyIsRefused) {
  options_.limits.max_block_transfers = 1;
  StartWithDisk();
  std::string data;
  {
    StalledReader first(stub());
    const grpc::Status status = Read(ReadRequest(0, 0), data);
    EXPECT_EQ(status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_THAT(status.error_message(), HasSubstr("limits.max_block_transfers"));
    EXPECT_EQ(Write(control_stub(), {WriteRequest(0, std::string(512, 'a'))}).error_code(),
              StatusCode::RESOURCE_EXHAUSTED);
  }
  EXPECT_TRUE(Eventually([&] { return Read(ReadRequest(0, 512), data).ok(); }));
}

TEST_F(BlocksTest, ShutdownEndsTransfersAndCutsThoseThatStall) {
  options_.drain_timeout = std::chrono::milliseconds(200);
  StartWithDisk();
  StalledReader reader(stub());
  v1::WriteBlocksResponse response;
  grpc::ClientContext context;
  const auto writer = control_stub().WriteBlocks(&context, &response);
  ASSERT_TRUE(writer->Write(WriteRequest(0, std::string(512, 'a'))));
  ASSERT_TRUE(Eventually([this] { return region()[0] == 'a'; }));
  server().Shutdown();
  EXPECT_EQ(writer->Finish().error_code(), StatusCode::UNAVAILABLE);
  EXPECT_FALSE(reader.Finish().ok());
}

}  // namespace
}  // namespace kchan::testing
