// SPDX-License-Identifier: Apache-2.0
//
// The whole path but for the kernel: the ring core is built for user space, and
// a thread stands for the CPU that writes. The rest is what kchand runs.

#include <pthread.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "bridge/hub/hub.h"
#include "bridge/hub/kernel_door.h"
#include "bridge/rpc/server.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/ring_opener.h"
#include "bridge/source/ring_source.h"
#include "bridge/spool/spool.h"
#include "kchan/batch.h"
#include "kchan/client.h"
#include "kchan/subscription.h"
#include "tests/bench/path/credentials.h"
#include "tests/bench/path/method.h"
#include "tests/bench/path/ring_writers.h"
#include "tests/unit/ring/user_ring.h"

namespace kchan::bench {
namespace {

constexpr char kChannel[] = "bench";
constexpr uint64_t kRingBytes = 4 << 20;
constexpr uint64_t kEpoch = 1;

void OrDie(const absl::Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", what, status.ToString().c_str());
  std::exit(1);
}

template <typename T>
T OrDie(absl::StatusOr<T> result, const char* what) {
  OrDie(result.status(), what);
  return *std::move(result);
}

class OneRing final : public source::RingOpener {
 public:
  explicit OneRing(testing::UserRing& ring) : ring_(ring) {}
  std::vector<uint32_t> PossibleCpus() const override { return {0}; }
  absl::StatusOr<std::unique_ptr<source::MappedRing>> Open(const std::string&, uint32_t) override {
    return ring_.Map();
  }

 private:
  testing::UserRing& ring_;
};

// Nothing goes down to the kernel here.
class ClosedDoor final : public hub::KernelDoor {
 public:
  hub::KernelAnswer Publish(const std::string&, uint32_t, std::span<const std::byte>) override {
    return {absl::UnimplementedError("no kernel side"), 0};
  }
  hub::KernelAnswer Update(const std::string&, const hub::ChannelSettings&) override {
    return {absl::UnimplementedError("no kernel side"), 0};
  }
  void DemandChanged(std::shared_ptr<hub::Channel>) override {}
};

rpc::Listener ListenerOf(const Setup& setup) {
  rpc::TcpListener where{"127.0.0.1:" + std::to_string(setup.port), std::nullopt};
  if (!setup.tls_folder.empty()) {
    where.tls = rpc::Tls{.certificate_file = setup.tls_folder + "/cert.pem",
                         .key_file = setup.tls_folder + "/key.pem",
                         .client_ca_file = ""};
  }
  return {std::move(where), rpc::Right::kRead};
}

// In a folder of its own: another sender's records are no history of this one's.
std::unique_ptr<spool::Spool> StartSpool(const Setup& setup, hub::Hub& hub) {
  spool::SpoolOptions options;
  options.directory = setup.spool_folder + std::to_string(setup.port);
  options.node = "bench";
  options.boot_id = "bench";
  options.limits_for = [](std::string_view) { return spool::SpoolLimits(); };
  options.on_problems = [](const std::vector<hub::Problem>& problems) {
    for (const hub::Problem& problem : problems) {
      std::fprintf(stderr, "%s: %s\n", problem.subject.c_str(), problem.description.c_str());
    }
  };
  auto spool = spool::Spool::Start(std::move(options), hub.memory_use());
  hub.SetHistoryKeeper(spool.get());
  return spool;
}

struct Variant {
  RingWriter write = WriteWhatFits;
  // The log is held for clients, the ring for the log and the writer for the
  // ring, as each sender waits for room where the other ways send.
  bool waits = true;
  std::string filter = "";
  bool has_spool = false;
};

class Kchan final : public Method {
 public:
  explicit Kchan(Variant variant) : variant_(std::move(variant)) {}

  void Send(const Setup& setup, void (*ready)()) override {
    const auto ring = testing::UserRing::Create({.data_bytes = kRingBytes});
    hub::Hub hub(hub::HubLimits{},
                 [](std::string_view) { return hub::LogLimits{.may_be_held = true}; });
    ClosedDoor door;
    hub.SetDoor(&door);
    const auto spool = variant_.has_spool ? StartSpool(setup, hub) : nullptr;
    auto description = std::make_shared<hub::ChannelDescription>();
    description->name = kChannel;
    description->transport = "ring";
    const auto channel = hub.Upsert(std::move(description));
    channel->SetState(hub::ChannelState::kLive, "");

    const auto loop = OrDie(source::EventLoop::Create(), "event loop");
    OneRing opener(*ring);
    auto reader = OrDie(source::RingSource::Attach(*loop, opener, kChannel, false, {}), "attach");
    channel->log().StartEpoch(kEpoch, 1, reader->next_sequence());

    rpc::ServerOptions options;
    options.listeners.push_back(ListenerOf(setup));
    const auto server = OrDie(rpc::Server::Start(hub, options), "server");
    ready();

    std::thread(setup.rate > 0 ? WritePaced : variant_.write, std::ref(*ring), setup).detach();
    reader->Start(channel->log(), [](const absl::Status& status) { OrDie(status, "source"); });
    loop->Run();
  }

  void Receive(const Setup& setup, const std::atomic<bool>& stop, Progress& progress) override {
    const auto client = OrDie(
        Client::Connect({.target = AddressOf(setup), .credentials = ChannelCredentialsOf(setup)}),
        "connect");
    SubscriptionOptions options;
    *options.open.add_selections() = Select(kChannel);
    if (variant_.waits) options.open.set_overflow_policy(v1::OVERFLOW_POLICY_BLOCK);
    options.open.set_filter(variant_.filter);
    Subscription subscription(*client, options);
    while (!stop) {
      const absl::StatusOr<Delivery> delivery = subscription.Next();
      OrDie(delivery.status(), "next");
      const auto* batch = std::get_if<const BatchView*>(&*delivery);
      if (batch == nullptr) continue;
      if (setup.rate > 0) {
        for (const RecordView& record : (*batch)->records()) {
          progress.latencies_ns.push_back(AgeOf(record.payload.data()));
        }
      }
      Count(**batch, progress);
    }
  }

 private:
  static void Count(const BatchView& batch, Progress& progress) {
    uint64_t bytes = 0;
    for (const RecordView& record : batch.records()) bytes += record.payload.size();
    progress.payload_bytes.fetch_add(bytes, std::memory_order_relaxed);
    progress.records.fetch_add(batch.records().size(), std::memory_order_relaxed);
    progress.lost.fetch_add(batch.lost_count(), std::memory_order_relaxed);
  }

  const Variant variant_;
};

}  // namespace

std::unique_ptr<Method> MakeKchan() { return std::make_unique<Kchan>(Variant{}); }
std::unique_ptr<Method> MakeKchanFlooded() {
  return std::make_unique<Kchan>(Variant{.write = WriteAll, .waits = false});
}
std::unique_ptr<Method> MakeKchanApart() {
  return std::make_unique<Kchan>(Variant{.write = WriteHeaders});
}
std::unique_ptr<Method> MakeKchanFiltered() {
  return std::make_unique<Kchan>(Variant{.filter = "record.cpu = 0"});
}
std::unique_ptr<Method> MakeKchanSpooled() {
  return std::make_unique<Kchan>(Variant{.has_spool = true});
}

}  // namespace kchan::bench
