// SPDX-License-Identifier: Apache-2.0
#include "bridge/ending.h"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "bridge/logging.h"
#include "grpcpp/create_channel.h"
#include "tests/component/fake_source.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

// A daemon that is told to stop while a call into the kernel does not return.
// Never returns itself.
void StopWhilePublishing(std::chrono::milliseconds timeout, bool signal_again) {
  StartLogging({});
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const std::string directory = "/tmp/kchan-ending-" + std::to_string(getpid());
  std::filesystem::create_directory(directory);
  hub::Hub hub({}, [](std::string_view) { return hub::LogLimits(); });
  const FakeSource source(hub, "exec");
  const auto running = std::make_shared<hub::RunningCalls>();
  std::promise<void> started;
  FakeDoor door;
  door.on_publish = [&](std::span<const std::byte>) {
    const hub::RunningCalls::Call call(*running, "publishing a record of channel exec");
    started.set_value();
    std::promise<void>().get_future().wait();
    return hub::KernelAnswer();
  };
  hub.SetDoor(&door);
  rpc::ServerOptions options;
  options.drain_timeout = std::chrono::milliseconds(100);
  const std::string path = directory + "/control.sock";
  options.listeners = {{rpc::UnixListener{path, 0600, ""}, rpc::Right::kControl}};
  auto server = rpc::Server::Start(hub, options).value();

  const auto stub = v1::ChannelService::NewStub(
      grpc::CreateChannel("unix:" + path, grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  const auto stream = stub->Publish(&context);
  v1::PublishRequest request;
  request.set_channel("exec");
  request.set_type(2);
  request.set_payload(std::string(8, 'x'));
  stream->Write(request);
  started.get_future().wait();
  std::filesystem::remove_all(directory);

  EndWithin(timeout, signals, running);
  if (signal_again) kill(getpid(), SIGTERM);
  server.reset();
  _exit(0);
}

class EndingDeathTest : public ::testing::Test {
 protected:
  // Each in a process that starts anew: gRPC does not survive a fork.
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(EndingDeathTest, CallThatDoesNotReturnKeepsTheProcessOnlySoLong) {
  EXPECT_EXIT(StopWhilePublishing(std::chrono::milliseconds(500), /*signal_again=*/false),
              ::testing::ExitedWithCode(kForcedExit),
              "has not returned: publishing a record of channel exec");
}

TEST_F(EndingDeathTest, SecondSignalEndsItAtOnce) {
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EXIT(StopWhilePublishing(std::chrono::hours(1), /*signal_again=*/true),
              ::testing::ExitedWithCode(kForcedExit), "ended at once: signal 15");
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::minutes(2));
}

}  // namespace
}  // namespace kchan::testing
