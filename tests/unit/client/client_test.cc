// SPDX-License-Identifier: Apache-2.0
#include "kchan/client.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <string>

#include "fake_daemon.h"
#include "kchan/error.h"
#include "kchan/loss.h"
#include "kchan/publisher.h"
#include "kchan/schema_cache.h"
#include "schemas.h"

namespace kchan {
namespace {

class ClientTest : public testing::Test {
 protected:
  ClientTest() : client_(daemon_.NewClient()) {
    std::vector<v1::Channel> channels(3);
    channels[0].set_name("exec");
    channels[1].set_name("exit");
    channels[2].set_name("tick");
    daemon_.set_channels(channels);
    daemon_.Start();
  }

  FakeDaemon daemon_;
  std::shared_ptr<Client> client_;
};

TEST_F(ClientTest, ListsAllPages) {
  const auto channels = client_->ListChannels();
  ASSERT_TRUE(channels.ok()) << channels.status();
  ASSERT_EQ(channels->size(), 3u);
  EXPECT_EQ((*channels)[2].name(), "tick");
}

TEST_F(ClientTest, AnErrorKeepsCodeReasonAndObject) {
  const auto channel = client_->GetChannel("exce");
  EXPECT_EQ(channel.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(channel.status()), "CHANNEL_NOT_FOUND");
  EXPECT_NE(std::string(channel.status().message()).find("exce"), std::string::npos);
  EXPECT_EQ(client_->GetChannel("tick")->name(), "tick");
}

TEST_F(ClientTest, AWatchEndsWhenItsReaderHasEnough) {
  int updates = 0;
  const absl::Status status = client_->WatchChannels([&](const v1::WatchChannelsResponse& change) {
    if (change.has_updated()) ++updates;
    return !change.synced();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(updates, 3);
}

TEST_F(ClientTest, NoDaemonIsUnavailable) {
  daemon_.Stop();
  EXPECT_EQ(client_->GetNode().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(client_->CheckHealth("").status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ClientTest, OptionsThatMakeNoSenseAreRefused) {
  EXPECT_FALSE(Client::Connect({.target = ""}).ok());
  EXPECT_FALSE(Client::Connect({.target = "/run/kchan/read.sock"}).ok());
  EXPECT_FALSE(Client::Connect({.keepalive_time = absl::ZeroDuration()}).ok());
  EXPECT_FALSE(Client::Connect({.max_receive_bytes = 1 << 20}).ok());
  EXPECT_FALSE(TlsCredentials({.certificate_file = "cert.pem"}).ok());
  EXPECT_FALSE(TlsCredentials({.ca_file = "/nonexistent"}).ok());
}

TEST_F(ClientTest, EachSchemaIsFetchedOnce) {
  daemon_.set_schema(OneType(4));
  SchemaCache schemas(client_);
  ASSERT_TRUE(schemas.Get("exec", 42).ok());
  ASSERT_TRUE(schemas.Get("exec", 42).ok());
  EXPECT_EQ(daemon_.schema_requests(), 1);
  EXPECT_EQ(schemas.Get("exec", 43).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(ClientTest, ARefusedRecordDoesNotEndThePublisher) {
  std::vector<std::string> taken;
  daemon_.set_publish([&](const v1::PublishRequest& request) {
    v1::PublishResponse response;
    response.set_request_id(request.request_id());
    if (request.payload() == "bad") {
      response.set_kernel_errno(EINVAL);
      response.mutable_status()->set_code(static_cast<int>(absl::StatusCode::kInvalidArgument));
      response.mutable_status()->set_message("the kernel said no");
    } else {
      taken.push_back(request.payload());
    }
    return response;
  });
  const auto publisher = Publisher::Open(*client_);
  EXPECT_TRUE(publisher->Publish("tick", 1, "one").ok());
  const absl::Status refused = publisher->Publish("tick", 1, "bad");
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(publisher->kernel_errno(), EINVAL);
  EXPECT_TRUE(publisher->Publish("tick", 1, "two").ok());
  EXPECT_EQ(publisher->kernel_errno(), 0);
  EXPECT_TRUE(publisher->Close().ok());
  EXPECT_EQ(taken, (std::vector<std::string>{"one", "two"}));
}

TEST_F(ClientTest, ARecordIsPublishedAtMostOnce) {
  std::atomic<int> taken = 0;
  daemon_.set_publish([&](const v1::PublishRequest& request) {
    ++taken;
    v1::PublishResponse wrong;
    wrong.set_request_id(request.request_id() + 1);
    return wrong;
  });
  const auto publisher = Publisher::Open(*client_);
  EXPECT_EQ(publisher->Publish("tick", 1, "one").code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(publisher->Publish("tick", 1, "two").ok());
  EXPECT_EQ(taken, 1);

  daemon_.Stop();
  const auto unreachable = Publisher::Open(*client_);
  EXPECT_EQ(unreachable->Publish("tick", 1, "one").code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(taken, 1);
}

TEST(LossCounterTest, AddsUpByStage) {
  LossCounter losses;
  EXPECT_EQ(losses.ToString(), "0 lost");
  losses.Add({.first_sequence = 1, .count = 10, .stage = v1::LOSS_STAGE_KERNEL_RING});
  losses.Add({.first_sequence = 20, .count = 2, .stage = v1::LOSS_STAGE_LOG_EVICTION});
  losses.Add({.first_sequence = 30, .count = 1, .stage = v1::LOSS_STAGE_KERNEL_RING});
  EXPECT_EQ(losses.total(), 13u);
  EXPECT_EQ(losses.at(v1::LOSS_STAGE_KERNEL_RING), 11u);
  EXPECT_EQ(losses.at(v1::LOSS_STAGE_SOURCE), 0u);
  EXPECT_EQ(losses.ToString(), "13 lost (11 kernel ring, 2 log eviction)");
  losses.Add({.stage = v1::LOSS_STAGE_DAEMON_RESTART});
  EXPECT_EQ(losses.total(), 13u);
  EXPECT_EQ(losses.ToString(),
            "13 lost (11 kernel ring, 2 log eviction), and an unknown number 1 time");
}

}  // namespace
}  // namespace kchan
