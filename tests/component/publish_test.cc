// SPDX-License-Identifier: Apache-2.0
// Records on their way to the kernel.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/component/fake_source.h"
#include "tests/component/reader.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

using grpc::StatusCode;

// Where a fake kernel stands still until it is let go.
class Gate {
 public:
  void Wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return is_open_; });
  }
  void AwaitWaiting(int count) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, std::chrono::seconds(10),
                                  [this, count] { return waiting_ >= count; }));
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool is_open_ = false;
};

// A client of Publish.
class Publisher {
 public:
  explicit Publisher(v1::ChannelService::Stub& stub) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    stream_ = stub.Publish(&context_);
  }
  ~Publisher() {
    context_.TryCancel();
    Finish();
  }

  bool Send(const v1::PublishRequest& request) { return stream_->Write(request); }
  // An empty one if the stream has ended.
  v1::PublishResponse Answer() {
    v1::PublishResponse response;
    stream_->Read(&response);
    return response;
  }
  v1::PublishResponse Ask(const v1::PublishRequest& request) {
    Send(request);
    return Answer();
  }
  void HalfClose() { stream_->WritesDone(); }
  grpc::Status Finish() {
    if (finished_) return status_;
    v1::PublishResponse response;
    while (stream_->Read(&response)) {
    }
    finished_ = true;
    status_ = stream_->Finish();
    return status_;
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::PublishRequest, v1::PublishResponse>> stream_;
  bool finished_ = false;
  grpc::Status status_;
};

class PublishTest : public ServerTest {
 protected:
  static v1::PublishRequest Command(uint64_t id) {
    v1::PublishRequest request;
    request.set_request_id(id);
    request.set_channel("tick");
    request.set_type(2);
    request.set_payload(std::string(8, static_cast<char>(id)));
    return request;
  }
};

TEST_F(PublishTest, EachRecordIsAnsweredInOrderWithItsIdAndTheStreamEndsWell) {
  Start();
  FakeSource tick(hub(), "tick");
  std::string order;  // the door is used by one record of a stream at a time
  door().on_publish = [&](std::span<const std::byte> payload) {
    order += std::to_string(static_cast<int>(payload[0])) + " ";
    return hub::KernelAnswer{};
  };
  Publisher publisher(control_stub());
  for (uint64_t id = 1; id <= 5; ++id) ASSERT_TRUE(publisher.Send(Command(id)));
  publisher.HalfClose();
  for (uint64_t id = 1; id <= 5; ++id) {
    const v1::PublishResponse answer = publisher.Answer();
    EXPECT_EQ(answer.request_id(), id);
    EXPECT_EQ(answer.status().code(), 0);
  }
  EXPECT_TRUE(publisher.Finish().ok());
  EXPECT_EQ(order, "1 2 3 4 5 ");
}

TEST_F(PublishTest, KernelsRefusalIsPassedOnAndTheStreamGoesOn) {
  int calls = 0;
  door().on_publish = [&](std::span<const std::byte>) {
    if (++calls > 1) return hub::KernelAnswer{};
    return hub::KernelAnswer{absl::ResourceExhaustedError("queue full"), 105};
  };
  Start();
  FakeSource tick(hub(), "tick");
  Publisher publisher(control_stub());
  const v1::PublishResponse refused = publisher.Ask(Command(1));
  EXPECT_EQ(refused.status().code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(refused.status().message(), "queue full");
  EXPECT_EQ(ReasonOf(refused.status()), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(refused.kernel_errno(), 105);
  EXPECT_EQ(publisher.Ask(Command(2)).status().code(), 0);
}

TEST_F(PublishTest, WrongRecordIsRefusedWithoutAskingTheKernel) {
  Start();
  FakeSource tick(hub(), "tick");
  auto one_way = std::make_shared<hub::ChannelDescription>(*FakeSource::Describe("exec"));
  one_way->direction = hub::Direction::kToUser;
  hub().Upsert(one_way);
  Publisher publisher(control_stub());

  v1::PublishRequest request = Command(1);
  request.set_channel("nope");
  EXPECT_EQ(publisher.Ask(request).status().code(), StatusCode::NOT_FOUND);
  request.set_channel("exec");
  EXPECT_EQ(publisher.Ask(request).status().code(), StatusCode::UNIMPLEMENTED);
  request = Command(2);
  request.set_type(9);
  EXPECT_EQ(FieldOf(publisher.Ask(request).status()), "type");
  request.set_type(1);  // goes to user space only
  EXPECT_EQ(FieldOf(publisher.Ask(request).status()), "type");
  request = Command(3);
  request.set_payload("1234567");  // one byte short
  EXPECT_EQ(FieldOf(publisher.Ask(request).status()), "payload");
  request.set_payload(std::string((64 << 10) + 1, 'x'));
  EXPECT_EQ(FieldOf(publisher.Ask(request).status()), "payload");
  EXPECT_EQ(door().publishes, 0);
  EXPECT_EQ(publisher.Ask(Command(4)).status().code(), 0);
  EXPECT_EQ(door().publishes, 1);
}

TEST_F(PublishTest, WithoutAKernelSideItIsAFailedPrecondition) {
  Start();
  FakeSource tick(hub(), "tick");
  hub().SetDoor(nullptr);
  Publisher publisher(control_stub());
  EXPECT_EQ(publisher.Ask(Command(1)).status().code(), StatusCode::FAILED_PRECONDITION);
}

TEST_F(PublishTest, EachStreamIsAuditedWithWhatBecameOfItsRecords) {
  Start();
  FakeSource tick(hub(), "tick");
  {
    Publisher publisher(control_stub());
    publisher.Ask(Command(1));
    publisher.Ask(Command(2));
    publisher.Ask({});
    publisher.HalfClose();
    EXPECT_TRUE(publisher.Finish().ok());
  }
  // The request without a channel is one of a channel without a name.
  ASSERT_TRUE(Eventually([&] { return audited().size() == 4; }));
  EXPECT_NE(audited()[0].find(R"("object":"channel tick","request":"","decision":"allowed")"),
            std::string::npos)
      << audited()[0];
  EXPECT_NE(audited()[0].find(R"("result":"begun")"), std::string::npos) << audited()[0];
  EXPECT_NE(audited()[2].find("0 records taken, 1 refused"), std::string::npos) << audited()[2];
  EXPECT_NE(audited()[3].find("2 records taken, 0 refused"), std::string::npos) << audited()[3];
}

TEST_F(PublishTest, ReadSocketDoesNotPublish) {
  Start();
  Publisher publisher(stub());
  const grpc::Status status = publisher.Finish();
  EXPECT_EQ(status.error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(ReasonOf(DetailsOf(status)), "CONTROL_RIGHT_NEEDED");
}

TEST_F(PublishTest, KernelThatBlocksHoldsUpNoReader) {
  options_.limits.door_threads = 1;
  Gate gate;
  door().on_publish = [&](std::span<const std::byte>) {
    gate.Wait();
    return hub::KernelAnswer{};
  };
  Start();
  FakeSource tick(hub(), "tick");
  Publisher publisher(control_stub());
  publisher.Send(Command(1));
  gate.AwaitWaiting(1);
  Reader reader(stub(), OpenOf("tick"));
  EXPECT_TRUE(reader.Next()->has_hello());
  tick.Append(10);
  EXPECT_TRUE(reader.UntilSequence("tick", kEpoch, 10));
  gate.Open();
  EXPECT_EQ(publisher.Answer().request_id(), 1u);
}

TEST_F(PublishTest, RequestsThatFindTheDoorsQueueFullAreRefused) {
  options_.limits.door_threads = 1;
  options_.limits.door_queue = 1;
  Gate gate;
  door().on_publish = [&](std::span<const std::byte>) {
    gate.Wait();
    return hub::KernelAnswer{};
  };
  Start();
  FakeSource tick(hub(), "tick");
  Publisher blocked(control_stub());
  blocked.Send(Command(1));
  gate.AwaitWaiting(1);
  // Of two more one waits in the queue, the other is refused at once.
  Publisher second(control_stub());
  Publisher third(control_stub());
  std::atomic<int> answered{0};
  std::vector<v1::PublishResponse> answers(2);
  std::thread asks_second([&] {
    answers[0] = second.Ask(Command(2));
    ++answered;
  });
  std::thread asks_third([&] {
    answers[1] = third.Ask(Command(3));
    ++answered;
  });
  EXPECT_TRUE(Eventually([&] { return answered == 1; }));
  gate.Open();
  asks_second.join();
  asks_third.join();
  const bool second_refused = answers[0].status().code() != 0;
  EXPECT_EQ(answers[second_refused ? 1 : 0].status().code(), 0);
  const google::rpc::Status& refused = answers[second_refused ? 0 : 1].status();
  EXPECT_EQ(refused.code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(refused), "KERNEL_DOOR_BUSY");
  EXPECT_TRUE(HasRetryInfo(refused));
}

TEST_F(PublishTest, OnePublisherTooManyIsRefused) {
  options_.limits.max_publishers = 1;
  Start();
  FakeSource tick(hub(), "tick");
  Publisher first(control_stub());
  EXPECT_EQ(first.Ask(Command(1)).status().code(), 0);
  Publisher second(control_stub());
  EXPECT_EQ(second.Finish().error_code(), StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(PublishTest, ClientThatGoesWhileTheKernelHasItsRecordLeavesNothingBehind) {
  options_.limits.max_publishers = 1;
  Gate gate;
  door().on_publish = [&](std::span<const std::byte>) {
    gate.Wait();
    return hub::KernelAnswer{};
  };
  Start();
  FakeSource tick(hub(), "tick");
  {
    Publisher publisher(control_stub());
    publisher.Send(Command(1));
    gate.AwaitWaiting(1);
  }
  gate.Open();
  EXPECT_TRUE(Eventually([&] {
    Publisher next(control_stub());
    next.Send(Command(2));
    return next.Answer().request_id() == 2;
  }));
}

TEST_F(PublishTest, ShutdownEndsAnIdleStreamWithUnavailable) {
  Start();
  FakeSource tick(hub(), "tick");
  Publisher publisher(control_stub());
  EXPECT_EQ(publisher.Ask(Command(1)).status().code(), 0);
  server().Shutdown();
  EXPECT_EQ(publisher.Finish().error_code(), StatusCode::UNAVAILABLE);
}

TEST_F(PublishTest, ShutdownAnswersTheRecordThatTheKernelHas) {
  Gate gate;
  door().on_publish = [&](std::span<const std::byte>) {
    gate.Wait();
    return hub::KernelAnswer{};
  };
  Start();
  FakeSource tick(hub(), "tick");
  Publisher idle(control_stub());
  EXPECT_TRUE(idle.Send({}));
  EXPECT_EQ(idle.Answer().status().code(), StatusCode::NOT_FOUND);
  Publisher busy(control_stub());
  busy.Send(Command(1));
  gate.AwaitWaiting(1);
  std::thread shutdown([&] { server().Shutdown(); });
  EXPECT_EQ(idle.Finish().error_code(), StatusCode::UNAVAILABLE);  // it has begun
  gate.Open();
  EXPECT_EQ(busy.Answer().request_id(), 1u);
  EXPECT_EQ(busy.Finish().error_code(), StatusCode::UNAVAILABLE);
  shutdown.join();
}

}  // namespace
}  // namespace kchan::testing
