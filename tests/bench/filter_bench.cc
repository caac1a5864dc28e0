// SPDX-License-Identifier: Apache-2.0
// What a filter costs for each record of a history, and what sharing saves; and
// what it costs to give some of the fields only.
#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bridge/hub/field_kind.h"
#include "bridge/hub/field_masks.h"
#include "bridge/hub/hub.h"
#include "bridge/hub/subscription.h"
#include "bridge/rpc/json_form.h"

namespace kchan::hub {
namespace {

constexpr size_t kRecords = 40'000;

struct Fact {
  uint64_t number;
  uint32_t pid;
  uint32_t flags;
  char comm[16];
  char rest[64];
};

Field MakeField(const char* name, FieldKind kind, size_t offset, size_t size,
                FieldDisplay display = FieldDisplay::kUnspecified) {
  Field field;
  field.name = name;
  field.kind = static_cast<uint32_t>(kind);
  field.display = static_cast<uint32_t>(display);
  field.offset = static_cast<uint32_t>(offset);
  field.size_bytes = static_cast<uint32_t>(size);
  return field;
}

std::shared_ptr<const Schema> FactSchema() {
  Schema schema{.byte_order = ByteOrder::kLittle};
  Field flags = MakeField("flags", FieldKind::kU32, offsetof(Fact, flags), 4, FieldDisplay::kFlags);
  flags.names = {{1, "up"}, {2, "running"}};
  schema.types.push_back({1,
                          "fact",
                          "",
                          Direction::kToUser,
                          sizeof(Fact),
                          {MakeField("number", FieldKind::kU64, offsetof(Fact, number), 8),
                           MakeField("pid", FieldKind::kU32, offsetof(Fact, pid), 4), flags,
                           MakeField("comm", FieldKind::kString, offsetof(Fact, comm), 16),
                           MakeField("rest", FieldKind::kBytes, offsetof(Fact, rest), 64)}});
  schema.id = SchemaId(schema);
  return std::make_shared<const Schema>(std::move(schema));
}

// A node with one channel, whose history is full.
class Node {
 public:
  Node() : hub_({}, [](std::string_view) { return LogLimits(); }) {
    ChannelDescription description;
    description.name = "fact";
    channel_ = hub_.Upsert(std::make_shared<const ChannelDescription>(std::move(description)));
    const auto schema = FactSchema();
    channel_->SetSchema(schema);
    channel_->log().StartEpoch(1, schema->id, 1);
    for (uint32_t i = 0; i < kRecords; ++i) {
      Fact fact = {.number = i, .pid = i % 100, .flags = i % 4, .comm = "bash", .rest = {}};
      channel_->log().Append({.boottime_ns = i, .cpu = i % 4, .type = 1},
                             std::as_bytes(std::span(&fact, 1)));
    }
    channel_->log().Publish();
  }

  std::unique_ptr<Subscription> Open(const std::string& filter,
                                     const std::vector<std::string>& fields = {},
                                     RecordFormMaker form = {}) {
    Selection selection;
    selection.pattern = "fact";
    selection.start = StartOldest{};
    SubscriptionOptions options{.selections = {selection}, .filter = filter};
    options.fields = fields;
    options.field_masks = &masks_;
    options.form = std::move(form);
    return *Subscription::Open(hub_, std::move(options), &waiter_);
  }

 private:
  class : public Waiter {
    void Notify() override {}
  } waiter_;
  FieldMasks masks_;
  Hub hub_;
  std::shared_ptr<Channel> channel_;
};

void ReadAll(Subscription& subscription) {
  for (;;) {
    const auto output = subscription.Next();
    if (std::holds_alternative<NothingOut>(*output)) return;
  }
}

void CountRecords(benchmark::State& state) {
  const auto records = static_cast<double>(kRecords);
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kRecords));
  state.counters["ns/record"] = benchmark::Counter(
      records, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

// The whole history through a filter. `shared`: another subscription keeps the
// filter, and with it what it found.
void BM_Filter(benchmark::State& state, const std::string& filter, bool shared) {
  Node node;
  std::unique_ptr<Subscription> other;
  if (shared) {
    other = node.Open(filter);
    ReadAll(*other);
  }
  for (auto _ : state) ReadAll(*node.Open(filter));
  CountRecords(state);
}

// The whole history, of each record these fields.
void BM_Fields(benchmark::State& state, const std::vector<std::string>& fields) {
  Node node;
  for (auto _ : state) ReadAll(*node.Open("", fields));
  CountRecords(state);
}

// The same, as JSON.
void BM_Json(benchmark::State& state, const std::vector<std::string>& fields) {
  Node node;
  for (auto _ : state) ReadAll(*node.Open("", fields, rpc::MakeJsonForm));
  CountRecords(state);
}

const std::string kNone;
const std::string kCompare = "pid = 7";
const std::string kHalf = "number >= 0 flags:up";
const std::string kPrefix = "comm = \"zs*\"";
const std::string kFive =
    "pid < 90 AND flags:up AND comm = \"ba*\" AND number > 5 AND NOT record.cpu = 9";

BENCHMARK_CAPTURE(BM_Filter, none, kNone, false);
BENCHMARK_CAPTURE(BM_Filter, compare, kCompare, false);
BENCHMARK_CAPTURE(BM_Filter, compare_shared, kCompare, true);
BENCHMARK_CAPTURE(BM_Filter, every_second, kHalf, false);
BENCHMARK_CAPTURE(BM_Filter, every_second_shared, kHalf, true);
BENCHMARK_CAPTURE(BM_Filter, prefix, kPrefix, false);
BENCHMARK_CAPTURE(BM_Filter, prefix_shared, kPrefix, true);
BENCHMARK_CAPTURE(BM_Filter, five, kFive, false);
BENCHMARK_CAPTURE(BM_Filter, five_shared, kFive, true);
BENCHMARK_CAPTURE(BM_Fields, header, {"record"});
BENCHMARK_CAPTURE(BM_Fields, one, {"pid"});
BENCHMARK_CAPTURE(BM_Fields, two_apart, {"number", "comm"});
BENCHMARK_CAPTURE(BM_Fields, all, {"fact"});
BENCHMARK_CAPTURE(BM_Json, two_apart, {"number", "comm"});
BENCHMARK_CAPTURE(BM_Json, all, {});

}  // namespace
}  // namespace kchan::hub
