// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_COMPONENT_KCHAND_TESTING_H_
#define KCHAN_TESTS_COMPONENT_KCHAND_TESTING_H_

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "gtest/gtest.h"
#include "kchan/v1/channel_service.grpc.pb.h"
#include "kchan/v1/node_service.grpc.pb.h"
#include "tests/component/child_process.h"

namespace kchan::testing {

// A kchand as a process, in a folder of its own.
class KchandTest : public ::testing::Test {
 protected:
  KchandTest() {
    std::string path = "/tmp/kchan-daemon-XXXXXX";
    EXPECT_NE(mkdtemp(path.data()), nullptr);
    directory_ = path;
    WriteConfig("");
  }
  ~KchandTest() override {
    daemon_.reset();
    std::filesystem::remove_all(directory_);
  }

  std::string path(const std::string& name) const { return directory_ + "/" + name; }

  void WriteConfig(const std::string& more) {
    std::ofstream(path("config")) << "unix_sockets { directory: \"" << directory_ << "\" }\n"
                                  << more;
  }

  std::unique_ptr<ChildProcess> Run(std::vector<std::string> arguments,
                                    const std::map<std::string, std::string>& environment = {}) {
    arguments.insert(arguments.begin(), {"--config", path("config")});
    return std::make_unique<ChildProcess>(KCHAND_PROGRAM, arguments,
                                          path("stderr" + std::to_string(++runs_)), environment);
  }

  // Runs the daemon and waits until it serves.
  void Start(const std::vector<std::string>& arguments = {},
             const std::map<std::string, std::string>& environment = {}) {
    daemon_ = Run(arguments, environment);
    ASSERT_TRUE(Says("serving unix:" + path("control.sock"))) << daemon_->Said();
    channel_ = grpc::CreateChannel("unix:" + path("read.sock"), grpc::InsecureChannelCredentials());
  }

  static bool Eventually(const std::function<bool()>& is_true) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!is_true()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }

  bool Says(const std::string& text) {
    return Eventually([&] { return daemon_->Said().find(text) != std::string::npos; });
  }

  grpc::Status GetNode(v1::Node& node) {
    const auto stub = v1::NodeService::NewStub(channel_);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    v1::GetNodeResponse response;
    grpc::Status status = stub->GetNode(&context, {}, &response);
    node = response.node();
    return status;
  }

  std::string directory_;
  int runs_ = 0;
  std::unique_ptr<ChildProcess> daemon_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace kchan::testing

#endif  // KCHAN_TESTS_COMPONENT_KCHAND_TESTING_H_
