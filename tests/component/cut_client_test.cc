// SPDX-License-Identifier: Apache-2.0
// A client that is killed again and again, wherever it is, and goes on where the
// one before had come to: what it had in the end, number by number.
#include <atomic>
#include <csignal>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <thread>

#include "tests/component/child_process.h"
#include "tests/component/cut_tape.h"
#include "tests/component/fake_source.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

constexpr int kCuts = 25;

class CutClientTest : public ServerTest {
 protected:
  void TearDown() override {
    stop_ = true;
    if (writer_.joinable()) writer_.join();
  }

  // Writes records as long as clients read, `ahead` more than they have read.
  void Write(uint64_t ahead) {
    source_.emplace(hub(), "tick");
    tape_.emplace(directory() + "/tape");
    writer_ = std::thread([this, ahead] {
      while (!stop_) {
        if (written_ >= tape_->reached() + ahead) {
          std::this_thread::yield();
          continue;
        }
        for (int i = 0; i < 50; ++i) {
          const std::string payload = PayloadOf(written_ + 1);
          source_->log().Append({.type = 1}, std::as_bytes(std::span<const char>(payload)));
          ++written_;
        }
        source_->log().Publish();
      }
    });
  }

  void CutAgainAndAgain() {
    std::mt19937 random(20261126);
    for (int cut = 0; cut < kCuts; ++cut) {
      const uint64_t to = tape_->reached() + random() % 3000;
      ChildProcess client = StartClient(CutTape::kNumbers);
      ASSERT_TRUE(Eventually([&] { return tape_->reached() > to; })) << client.Said();
      client.Signal(SIGKILL);
      ASSERT_EQ(client.Wait(), -SIGKILL) << client.Said();
    }
    stop_ = true;
    writer_.join();
    ChildProcess client = StartClient(written_);
    ASSERT_EQ(client.Wait(), 0) << client.Said();
    ASSERT_EQ(tape_->reached(), written_);
    ASSERT_LT(written_, CutTape::kNumbers);
  }

  // How many numbers are lost; each of the others must hold what was written.
  uint64_t CheckTape() {
    uint64_t lost = 0;
    for (uint64_t sequence = 1; sequence <= written_; ++sequence) {
      const uint64_t had = tape_->at(sequence);
      if (had == kLost) {
        ++lost;
      } else {
        EXPECT_EQ(had, ChecksumOf(PayloadOf(sequence))) << sequence;
      }
    }
    return lost;
  }

 private:
  ChildProcess StartClient(uint64_t last) {
    return ChildProcess(
        CUT_CLIENT_PROGRAM,
        {"unix:" + directory() + "/read.sock", directory() + "/tape", std::to_string(last)},
        directory() + "/client.log");
  }

  std::optional<FakeSource> source_;
  std::optional<CutTape> tape_;
  std::atomic<bool> stop_{false};
  std::thread writer_;
  uint64_t written_ = 0;  // the writer's, until it has ended
};

TEST_F(CutClientTest, MissesNothingAndGetsNothingTwice) {
  log_limits_.max_bytes = 16 << 20;
  Start();
  Write(2000);
  CutAgainAndAgain();
  EXPECT_EQ(CheckTape(), 0u);
}

TEST_F(CutClientTest, IsToldOfEachNumberThatTheLogDropped) {
  log_limits_ = {.max_bytes = 128 << 10, .segment_bytes = 16 << 10};
  Start();
  Write(20'000);
  CutAgainAndAgain();
  const uint64_t lost = CheckTape();
  EXPECT_GT(lost, 0u);
}

}  // namespace
}  // namespace kchan::testing
