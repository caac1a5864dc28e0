// SPDX-License-Identifier: Apache-2.0
// What it costs to load the kernel's netlink specs, and to read a message by them.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "bridge/netlink/spec/byte_text.h"
#include "bridge/netlink/spec/decode.h"
#include "bridge/netlink/spec/encode.h"
#include "bridge/netlink/spec/raw_tree.h"
#include "netlink_testing.h"

namespace kchan::netlink {
namespace {

void BM_LoadAllSpecs(benchmark::State& state) {
  const std::vector<std::string> directories = {SpecDirectory()};
  for (auto _ : state) benchmark::DoNotOptimize(SpecCatalogue::Load(directories));
}

// Messages as the kernel sends them: a few attributes; nests of nests; many
// attributes behind a fixed header.
struct Message {
  const char* family;
  const char* operation;
  const char* values;
};

constexpr Message kMessages[] = {
    {"netdev", "dev-get",
     R"({"ifindex": 2, "xdp-features": ["basic", "redirect"], "xdp-zc-max-segs": 1,
         "xdp-rx-metadata-features": [], "xsk-features": []})"},
    {"ethtool", "rings-get",
     R"({"header": {"dev-index": 2, "dev-name": "eth0"}, "rx-max": 4096, "rx-mini-max": 0,
         "rx-jumbo-max": 0, "tx-max": 4096, "rx": 512, "rx-mini": 0, "rx-jumbo": 0, "tx": 512,
         "rx-buf-len": 2048, "tcp-data-split": 0, "cqe-size": 0, "tx-push": 0, "rx-push": 0})"},
    {"nlctrl", "getfamily",
     R"({"family-name": "ethtool", "family-id": 21, "version": 1, "hdrsize": 0, "maxattr": 0,
         "ops": [{"id": 1, "flags": 14}, {"id": 2, "flags": 14}, {"id": 3, "flags": 26},
                 {"id": 4, "flags": 14}, {"id": 5, "flags": 26}, {"id": 6, "flags": 14},
                 {"id": 7, "flags": 14}, {"id": 8, "flags": 26}, {"id": 9, "flags": 14}],
         "mcast-groups": [{"id": 7, "name": "monitor"}]})"},
    {"rt-link", "getlink",
     R"({"ifi-index": 2, "ifname": "eth0", "txqlen": 1000, "operstate": 6, "linkmode": 0,
         "mtu": 1500, "min-mtu": 68, "max-mtu": 65535, "group": 0, "promiscuity": 0,
         "num-tx-queues": 2, "gso-max-segs": 65535, "num-rx-queues": 2, "carrier": 1,
         "qdisc": "mq", "carrier-changes": 2, "address": "02:00:00:00:00:01",
         "broadcast": "ff:ff:ff:ff:ff:ff", "stats64": {"rx-packets": 12345678,
         "tx-packets": 87654321, "rx-bytes": "98765432101234567", "tx-bytes": 12345678901},
         "linkinfo": {"kind": "bridge", "data": {"forward-delay": 1500, "hello-time": 200}}})"},
};

const Layout& LayoutOf(const Message& message) {
  return KernelSpec(message.family).FindOperation(message.operation)->layout;
}

void BM_Decode(benchmark::State& state) {
  const Message& message = kMessages[state.range(0)];
  const std::string bytes = Encode(LayoutOf(message), Json(message.values)).value();
  for (auto _ : state) {
    benchmark::DoNotOptimize(Decode(LayoutOf(message), AsBytes(bytes)));
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes.size()));
  state.SetLabel(std::string(message.family) + " " + message.operation);
}

void BM_Encode(benchmark::State& state) {
  const Message& message = kMessages[state.range(0)];
  const google::protobuf::Struct values = Json(message.values);
  for (auto _ : state) benchmark::DoNotOptimize(Encode(LayoutOf(message), values));
  state.SetLabel(std::string(message.family) + " " + message.operation);
}

// The same without a spec, guesses included.
void BM_RawTree(benchmark::State& state) {
  const Message& message = kMessages[state.range(0)];
  const std::string bytes = Encode(LayoutOf(message), Json(message.values)).value();
  for (auto _ : state) {
    benchmark::DoNotOptimize(RawTreeToValue(ParseRawTree(AsBytes(bytes))));
  }
  state.SetLabel(std::string(message.family) + " " + message.operation);
}

BENCHMARK(BM_LoadAllSpecs)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Decode)->DenseRange(0, 3);
BENCHMARK(BM_Encode)->DenseRange(0, 3);
BENCHMARK(BM_RawTree)->DenseRange(0, 3);

}  // namespace
}  // namespace kchan::netlink
