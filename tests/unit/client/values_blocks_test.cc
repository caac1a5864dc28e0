// SPDX-License-Identifier: Apache-2.0
// Values and blocks through the client library, against the daemon's own hub
// and gRPC edge.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "bridge/hub/hub.h"
#include "bridge/hub/kernel_door.h"
#include "bridge/rpc/server.h"
#include "kchan/blocks.h"
#include "kchan/values.h"

namespace kchan {
namespace {

constexpr uint64_t kDiskBytes = (3 << 20) + 512;

// A kernel with one word and one disk.
class Door final : public hub::KernelDoor {
 public:
  hub::KernelAnswer Publish(const std::string&, uint32_t, std::span<const std::byte>) override {
    return {absl::UnimplementedError("takes no records"), 0};
  }
  hub::KernelAnswer Update(const std::string&, const hub::ChannelSettings&) override { return {}; }
  absl::StatusOr<hub::ValueSnapshot> ReadValues(const std::string&) override {
    return hub::ValueSnapshot{.version = 1, .words = {{"word", uint64_t{5}}}};
  }
  absl::StatusOr<hub::ValueChanged> ChangeValue(const std::string&,
                                                const hub::ValueChange& change) override {
    const bool applied = change.operation != hub::ValueChange::Operation::kCompareAndSwap ||
                         change.expected == hub::Value(uint64_t{5});
    return hub::ValueChanged{.applied = applied, .before = uint64_t{5}, .after = uint64_t{6}};
  }
  absl::Status ReadBlocks(const std::string&, uint64_t offset, std::span<std::byte> to) override {
    const std::lock_guard lock(mutex_);
    std::memcpy(to.data(), disk_.data() + offset, to.size());
    return absl::OkStatus();
  }
  absl::Status WriteBlocks(const std::string&, uint64_t offset,
                           std::span<const std::byte> from) override {
    const std::lock_guard lock(mutex_);
    std::memcpy(disk_.data() + offset, from.data(), from.size());
    return absl::OkStatus();
  }
  absl::Status FlushBlocks(const std::string&) override {
    const std::lock_guard lock(mutex_);
    ++flushes_;
    return absl::OkStatus();
  }
  void DemandChanged(std::shared_ptr<hub::Channel>) override {}

  int flushes() {
    const std::lock_guard lock(mutex_);
    return flushes_;
  }

 private:
  std::mutex mutex_;
  std::string disk_ = std::string(kDiskBytes, '\0');
  int flushes_ = 0;
};

class ValuesBlocksTest : public testing::Test {
 protected:
  ValuesBlocksTest() : hub_({}, [](std::string_view) { return hub::LogLimits(); }) {
    std::string path = testing::TempDir() + "kchan-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) std::abort();
    directory_ = path;
    hub_.SetDoor(&door_);
    word_ = AddChannel("word", hub::Volume::kValue);
    AddChannel("disk", hub::Volume::kBulk);
    Serve();
    client_ = *Client::Connect({.target = "unix:" + directory_ + "/control.sock"});
  }
  ~ValuesBlocksTest() override {
    server_.reset();
    unlink((directory_ + "/control.sock").c_str());
    rmdir(directory_.c_str());
  }

  std::shared_ptr<hub::Channel> AddChannel(const std::string& name, hub::Volume volume) {
    hub::ChannelDescription description;
    description.name = name;
    description.volume = volume;
    if (volume == hub::Volume::kBulk) {
      description.block = hub::BlockGeometry{.capacity_bytes = kDiskBytes, .block_bytes = 512};
    }
    auto channel = hub_.Upsert(std::make_shared<const hub::ChannelDescription>(description));
    channel->SetState(hub::ChannelState::kLive, "");
    return channel;
  }

  void Serve() {
    server_.reset();
    rpc::ServerOptions options;
    options.listeners = {
        {.where = rpc::UnixListener{.path = directory_ + "/control.sock", .group = {}},
         .right = rpc::Right::kControl}};
    options.drain_timeout = std::chrono::milliseconds(200);
    auto server = rpc::Server::Start(hub_, options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  void SetWord(uint64_t version, uint64_t generation = 1) {
    word_->values().Set(std::make_shared<const hub::ValueSnapshot>(hub::ValueSnapshot{
        .version = version, .words = {{"word", version}}, .generation = generation}));
  }

  static ValueWatchOptions WatchOptions() {
    return {.channels = {"word"},
            .backoff = {.initial = absl::Milliseconds(2), .max = absl::Milliseconds(50)}};
  }

  // The next delivery of this kind; others are passed over.
  template <typename Kind>
  static Kind NextOf(ValueWatch& watch) {
    for (;;) {
      auto delivery = watch.Next(absl::Now() + absl::Seconds(30));
      EXPECT_TRUE(delivery.ok()) << delivery.status();
      if (!delivery.ok()) return Kind();
      if (auto* found = std::get_if<Kind>(&*delivery)) return std::move(*found);
    }
  }

  using Update = v1::WatchValuesResponse::Update;

  std::string directory_;
  Door door_;
  hub::Hub hub_;
  std::shared_ptr<hub::Channel> word_;
  std::unique_ptr<rpc::Server> server_;
  std::shared_ptr<Client> client_;
};

TEST_F(ValuesBlocksTest, WordsAreReadAndChanged) {
  const auto values = GetValues(*client_, "word");
  ASSERT_TRUE(values.ok()) << values.status();
  ASSERT_NE(FindWord(*values, "word"), nullptr);
  EXPECT_EQ(FindWord(*values, "word")->unsigned_value(), 5u);
  EXPECT_EQ(FindWord(*values, "wort"), nullptr);
  const auto before = SetValue(*client_, "word", "word", UnsignedValue(6));
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_EQ((*before)->unsigned_value(), 5u);
  const auto added = AddValue(*client_, "word", "word", 1);
  ASSERT_TRUE(added.ok()) << added.status();
  EXPECT_EQ(added->after().unsigned_value(), 6u);
  const auto swapped =
      CompareAndSwapValue(*client_, "word", "word", UnsignedValue(4), UnsignedValue(6));
  ASSERT_TRUE(swapped.ok()) << swapped.status();
  EXPECT_FALSE(swapped->swapped());
  EXPECT_EQ(swapped->before().unsigned_value(), 5u);
}

TEST_F(ValuesBlocksTest, ErrorsSayWhatWasTriedAndWhere) {
  const absl::Status status = GetValues(*client_, "none").status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_NE(status.message().find("get the values of channel 'none' at unix:"), std::string::npos)
      << status;
}

TEST_F(ValuesBlocksTest, WatchCountsAcrossARestartOfTheDaemon) {
  SetWord(10);
  ValueWatch watch(*client_, WatchOptions());
  EXPECT_EQ(NextOf<Update>(watch).values().version(), 10u);
  NextOf<ValuesSynced>(watch);
  server_.reset();
  NextOf<Disconnected>(watch);
  SetWord(15);
  Serve();
  const Update update = NextOf<Update>(watch);
  EXPECT_EQ(update.values().version(), 15u);
  EXPECT_EQ(update.duplicates(), 4u);
  NextOf<ValuesSynced>(watch);
  SetWord(16);
  EXPECT_EQ(NextOf<Update>(watch).duplicates(), 0u);
}

TEST_F(ValuesBlocksTest, NewGenerationIsNotCountedAcrossARestart) {
  SetWord(10);
  ValueWatch watch(*client_, WatchOptions());
  NextOf<Update>(watch);
  server_.reset();
  NextOf<Disconnected>(watch);
  SetWord(15, /*generation=*/2);
  Serve();
  EXPECT_EQ(NextOf<Update>(watch).duplicates(), 0u);
}

TEST_F(ValuesBlocksTest, WatchWaitsUntilItsDeadlineAndGoesOn) {
  SetWord(1);
  ValueWatch watch(*client_, WatchOptions());
  NextOf<ValuesSynced>(watch);
  EXPECT_TRUE(absl::IsDeadlineExceeded(watch.Next(absl::Now() + absl::Milliseconds(20)).status()));
  SetWord(2);
  EXPECT_EQ(NextOf<Update>(watch).values().version(), 2u);
}

TEST_F(ValuesBlocksTest, CancelEndsAWatchThatWaits) {
  SetWord(1);
  ValueWatch watch(*client_, WatchOptions());
  NextOf<ValuesSynced>(watch);
  std::thread other([&watch] { watch.Cancel(); });
  EXPECT_TRUE(absl::IsCancelled(watch.Next(absl::Now() + absl::Seconds(30)).status()));
  other.join();
  EXPECT_TRUE(absl::IsCancelled(watch.Next().status()));
}

TEST_F(ValuesBlocksTest, WatchOfWhatIsNotThereEnds) {
  ValueWatchOptions options = WatchOptions();
  options.channels = {"none"};
  ValueWatch missing(*client_, options);
  EXPECT_TRUE(absl::IsNotFound(missing.Next().status()));
  options.channels = {"disk"};
  ValueWatch blocks(*client_, options);
  EXPECT_TRUE(absl::IsFailedPrecondition(blocks.Next().status()));
}

TEST_F(ValuesBlocksTest, WatchWithoutReconnectEndsWithTheStream) {
  SetWord(1);
  ValueWatchOptions options = WatchOptions();
  options.reconnect = false;
  ValueWatch watch(*client_, options);
  NextOf<ValuesSynced>(watch);
  server_.reset();
  EXPECT_TRUE(absl::IsUnavailable(watch.Next(absl::Now() + absl::Seconds(30)).status()));
}

TEST_F(ValuesBlocksTest, BlocksComeBackAsTheyWereWritten) {
  std::string data(2 << 20, '\0');
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i / 512 * 31);
  const auto writer = BlockWriter::Open(*client_, "disk");
  ASSERT_TRUE(writer->Write(1024, data).ok());
  const auto written = writer->Close(/*flush=*/true);
  ASSERT_TRUE(written.ok()) << written.status();
  EXPECT_EQ(*written, data.size());
  EXPECT_EQ(door_.flushes(), 1);

  const auto reader = BlockReader::Open(*client_, "disk", {.offset_bytes = 1024});
  std::string read;
  for (auto extent = reader->Next(); !extent->empty(); extent = reader->Next()) read += *extent;
  EXPECT_EQ(reader->offset_bytes(), kDiskBytes);
  EXPECT_EQ(read.size(), kDiskBytes - 1024);
  EXPECT_EQ(read.substr(0, data.size()), data);
  EXPECT_TRUE(reader->Next()->empty()) << "the end stays the end";
}

TEST_F(ValuesBlocksTest, RefusedTransfersSayWhy) {
  const auto reader = BlockReader::Open(*client_, "disk", {.offset_bytes = 100});
  EXPECT_TRUE(absl::IsInvalidArgument(reader->Next().status()));
  EXPECT_TRUE(absl::IsInvalidArgument(reader->Next().status())) << "and go on to";
  const auto writer = BlockWriter::Open(*client_, "disk");
  writer->Write(kDiskBytes, std::string(512, 'x')).IgnoreError();
  EXPECT_TRUE(absl::IsOutOfRange(writer->Close(false).status()));
  EXPECT_TRUE(absl::IsOutOfRange(writer->Write(0, std::string(512, 'x'))));
  EXPECT_TRUE(FlushBlocks(*client_, "disk").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(FlushBlocks(*client_, "word")));
}

}  // namespace
}  // namespace kchan
