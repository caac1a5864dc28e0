// SPDX-License-Identifier: Apache-2.0
// Many threads that serve: each subscriber has everything, whichever is its own.
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "bridge/hub/cpus.h"
#include "tests/component/fake_source.h"
#include "tests/component/reader.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

// The CPUs of each serving thread of this process, as the kernel tells them.
std::vector<std::string> CpusOfLanes() {
  std::vector<std::string> all;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(task.path() / "status");
    std::string name;
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("Name:")) name = line.substr(6);
      if (line.starts_with("Cpus_allowed_list:") && name == "kchand-pump") {
        all.push_back(line.substr(19));
      }
    }
  }
  return all;
}

class LanesTest : public ServerTest {};

TEST_F(LanesTest, EachSubscriberHasEverythingWhicheverThreadServesIt) {
  options_.serving_threads = 4;
  Start();
  EXPECT_EQ(CpusOfLanes().size(), 4u);
  FakeSource tick(hub(), "tick");
  std::vector<std::unique_ptr<Reader>> readers;
  for (int i = 0; i < 9; ++i) {
    readers.push_back(std::make_unique<Reader>(stub(), OpenFromOldest("tick")));
  }
  for (int i = 0; i < 100; ++i) tick.Append(100);
  for (const auto& reader : readers) {
    ASSERT_TRUE(reader->UntilSequence("tick", kEpoch, 10'000));
    EXPECT_EQ(reader->ledger("tick").records, 10'000u);
    reader->Cancel();
  }
  EXPECT_TRUE(HasNoSubscriptions());
}

TEST_F(LanesTest, WhoPinsTooMuchIsEndedInEachLane) {
  options_.serving_threads = 3;
  hub_limits_.max_pinned_bytes = 64 << 10;  // less than one segment
  log_limits_ = {.max_bytes = 1 << 20, .segment_bytes = 128 << 10};
  Start();
  FakeSource tick(hub(), "tick");
  auto open = OpenOf("tick");
  open.set_max_batch_bytes(1 << 20);
  std::vector<std::unique_ptr<Reader>> stalled;
  for (int i = 0; i < 3; ++i) {
    stalled.push_back(std::make_unique<Reader>(stub(), open));
    ASSERT_TRUE(stalled.back()->Next()->has_hello());
  }
  ASSERT_TRUE(Eventually([&] {
    tick.Append(500, 100);
    return Status().subscriptions() == 0;
  })) << Status().ShortDebugString();
  for (const auto& reader : stalled) {
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  }
}

TEST_F(LanesTest, ThreadsRunWhereTheyAreTold) {
  options_.serving_threads = 2;
  options_.cpus = *hub::Cpus::Parse("0");
  const hub::Cpus before = hub::Cpus::Allowed();
  Start();
  EXPECT_EQ(CpusOfLanes(), (std::vector<std::string>{"0", "0"}));
  EXPECT_EQ(hub::Cpus::Allowed(), before);
}

}  // namespace
}  // namespace kchan::testing
