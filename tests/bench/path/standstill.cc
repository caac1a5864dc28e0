// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/path/standstill.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "bridge/hub/hub.h"
#include "kchan/v1/channel_service.grpc.pb.h"
#include "tests/bench/path/credentials.h"
#include "tests/bench/path/sender_process.h"

namespace kchan::bench {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr int kStreamsOfAConnection = 100;
constexpr double kMiB = 1 << 20;

// A client that opens a subscription, takes the first response, and then reads
// no more.
class Standing {
 public:
  explicit Standing(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(v1::ChannelService::NewStub(channel)), stream_(stub_->Subscribe(&context_)) {
    v1::SubscribeRequest request;
    v1::Selection* selection = request.mutable_open()->add_selections();
    selection->set_glob("*");
    selection->mutable_start()->mutable_oldest();
    stream_->Write(request);
    v1::SubscribeResponse hello;
    stream_->Read(&hello);
  }
  ~Standing() { context_.TryCancel(); }

  // Reads until the first record; false: the stream ended.
  bool TakeARecord() {
    v1::SubscribeResponse response;
    while (stream_->Read(&response)) {
      if (response.batch().records_size() > 0) return true;
    }
    return false;
  }

 private:
  const std::unique_ptr<v1::ChannelService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::SubscribeRequest, v1::SubscribeResponse>> stream_;
};

// gRPC gives each stream a window that grows, read or not: a thousand of them
// would take this process all memory. Clients of small means look like this.
std::shared_ptr<grpc::Channel> SmallChannel(const Setup& setup) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  return grpc::CreateCustomChannel(AddressOf(setup), ChannelCredentialsOf(setup), arguments);
}

std::vector<std::unique_ptr<Standing>> Stand(const Setup& setup, int clients) {
  std::vector<std::unique_ptr<Standing>> standing;
  std::shared_ptr<grpc::Channel> channel;
  for (int i = 0; i < clients; ++i) {
    if (i % kStreamsOfAConnection == 0) channel = SmallChannel(setup);
    standing.push_back(std::make_unique<Standing>(channel));
  }
  return standing;
}

void Pause(double seconds) { std::this_thread::sleep_for(Seconds(seconds)); }

// Until its memory has not grown any more for a second.
uint64_t SettledMemory(const SenderProcess& sender) {
  uint64_t before = 0;
  uint64_t now = sender.resident_bytes();
  while (now > before + (1 << 18)) {
    Pause(1);
    before = now;
    now = sender.resident_bytes();
  }
  return now;
}

}  // namespace

void PrintStalled(Printer& printer, const Setup& setup, int clients) {
  const SenderProcess sender("kchan", setup);
  // One client first, or nobody would want the records: the log fills.
  const auto first = Stand(setup, 1);
  const uint64_t alone = SettledMemory(sender);
  const auto rest = Stand(setup, clients - 1);
  const uint64_t all = SettledMemory(sender);
  const hub::HubLimits limits;
  const double bound = static_cast<double>(hub::LogLimits().max_bytes + limits.max_pinned_bytes) +
                       static_cast<double>(clients) * (64 << 10);
  printer.Print({Number("stalled clients", clients, 0),
                 Number("MiB, one client", static_cast<double>(alone) / kMiB, 1),
                 Number("MiB, all", static_cast<double>(all) / kMiB, 1),
                 Number("KiB a client", static_cast<double>(all - alone) / clients / 1024, 1),
                 Number("MiB, bound", bound / kMiB, 1)});
}

void PrintIdle(Printer& printer, const Setup& setup, int clients, double seconds) {
  Setup slow = setup;
  slow.rate = 1e-3;  // the first record comes in a quarter of an hour
  const SenderProcess sender("kchan", slow);
  const auto standing = Stand(slow, clients);
  Pause(1);  // what opening them has left to do
  const uint64_t wake_ups = sender.wake_ups();
  const double cpu = sender.cpu_seconds();
  Pause(seconds);
  const double woken = static_cast<double>(sender.wake_ups() - wake_ups) / seconds;
  const double share = (sender.cpu_seconds() - cpu) / seconds;

  Setup quick = setup;
  ++quick.port;
  const auto start = std::chrono::steady_clock::now();
  const SenderProcess started("kchan", quick);
  const bool came = Standing(OwnChannel(quick)).TakeARecord();
  const double first_ms = Seconds(std::chrono::steady_clock::now() - start).count() * 1e3;
  printer.Print({Number("idle clients", clients, 0), Number("wake-ups/s", woken, 1),
                 Number("CPU %", share * 100, 2),
                 Number("ms from start to first record", came ? first_ms : -1, 0)});
}

}  // namespace kchan::bench
