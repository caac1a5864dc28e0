// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/spool/spool_testing.h"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <span>
#include <thread>
#include <utility>

#include "tests/unit/hub/thread_testing.h"

namespace kchan::spool::testing {
namespace {

using hub::testing::Decode;
using hub::testing::PayloadOf;
using hub::testing::SleepingWaiter;

constexpr std::chrono::seconds kDeadline{30};

std::shared_ptr<const hub::ChannelDescription> Description() {
  hub::ChannelDescription description;
  description.name = Node::kChannel;
  return std::make_shared<const hub::ChannelDescription>(std::move(description));
}

// Each number once, in order, in its epoch.
void Check(const hub::LogBatch& batch, const std::vector<Seen>& seen, hub::Cursor& reached) {
  if (batch.epoch != reached.epoch) reached = {.epoch = batch.epoch, .sequence = 0};
  for (const Seen& each : seen) {
    if (!each.is_record && each.count == 0) continue;
    if (reached.sequence != 0) {
      ASSERT_EQ(each.first, reached.sequence + 1) << "epoch " << batch.epoch;
    }
    reached.sequence = each.first + each.count - 1;
    if (each.is_record) {
      ASSERT_EQ(each.payload, PayloadOf(each.first, each.payload.size()));
    }
  }
}

}  // namespace

TemporaryFolder::TemporaryFolder() : path_("/tmp/kchan-spool-XXXXXX") {
  EXPECT_NE(mkdtemp(path_.data()), nullptr);
}

TemporaryFolder::~TemporaryFolder() { std::filesystem::remove_all(path_); }

bool Eventually(const std::function<bool()>& is_true) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (!is_true()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

std::shared_ptr<const hub::Schema> SchemaNamed(const std::string& name) {
  hub::Schema schema{.byte_order = hub::ByteOrder::kLittle};
  hub::Field field;
  field.name = "number";
  field.kind = 4;
  field.size_bytes = 8;
  field.names = {{.value = 1, .name = "one"}};
  field.members.emplace_back().name = "member";
  hub::RecordType& type = schema.types.emplace_back();
  type.id = 1;
  type.name = name;
  type.direction = hub::Direction::kToUser;
  type.fields = {field};
  schema.id = hub::SchemaId(schema);
  return std::make_shared<const hub::Schema>(std::move(schema));
}

Node::Node(const NodeSetup& setup) : hub_({}, [log = setup.log](std::string_view) { return log; }) {
  SpoolOptions options;
  options.directory = setup.directory;
  options.max_total_bytes = setup.max_total_bytes;
  options.max_read_bytes = setup.max_read_bytes;
  options.node = "node-1";
  options.boot_id = setup.boot_id;
  options.limits_for = [limits = setup.limits](std::string_view) { return limits; };
  options.on_problems = [this](std::vector<hub::Problem> problems) {
    hub_.SetOwnProblems("spool", std::move(problems));
  };
  options.on_note = [this](const std::string& line) {
    const std::lock_guard lock(notes_mutex_);
    notes_.push_back(line);
  };
  options.pace = setup.pace;
  options.files = setup.files;
  spool_ = Spool::Start(std::move(options), hub_.memory_use());
  hub_.SetHistoryKeeper(spool_.get());
  MakeChannel();
}

void Node::MakeChannel() {
  channel_ = hub_.Upsert(Description());
  channel_->SetSchema(SchemaNamed("fact"));
}

void Node::ForgetChannel() {
  const std::weak_ptr<hub::Channel> forgotten = channel_;
  hub_.Remove(kChannel);
  channel_.reset();
  // Whoever writes its history is the last to let go.
  EXPECT_TRUE(Eventually([&] { return forgotten.expired(); }));
  MakeChannel();
}

Node::~Node() { spool_->Stop(); }

void Node::StartEpoch(uint64_t epoch, uint64_t next_sequence, bool has_history) {
  log().StartEpoch(epoch, channel_->snapshot().schema->id, next_sequence, has_history);
}

void Node::Append(uint64_t count, size_t payload_bytes) {
  for (uint64_t i = 0; i < count; ++i) {
    const std::string payload = PayloadOf(log().next_sequence(), payload_bytes);
    log().Append({.boottime_ns = 1, .cpu = 0, .type = 1}, std::as_bytes(std::span(payload)));
  }
  log().Publish();
}

bool Node::IsSpooled() {
  const hub::LogExtent extent = log().extent();
  auto& spool = dynamic_cast<ChannelSpool&>(history());
  return Eventually([&] {
    return spool.WithCatalog([&](Catalog& catalog) {
      return catalog.Find(extent.epoch, extent.last_sequence) != nullptr;
    });
  });
}

std::vector<std::string> Node::notes() {
  const std::lock_guard lock(notes_mutex_);
  return notes_;
}

std::vector<Seen> Node::Read(const hub::Start& start, size_t max_bytes,
                             ClockOffsets* clock_offsets) {
  const hub::LogExtent end = log().extent();
  std::vector<Seen> all;
  std::optional<hub::LogPosition> position = log().Seek(start);
  EXPECT_TRUE(position);
  if (!position) return all;
  SleepingWaiter waiter;
  hub::Cursor reached = position->lookup ? hub::Cursor{} : position->cursor;
  const auto is_at_end = [&] {
    return !position->lookup && position->cursor.epoch == end.epoch &&
           position->cursor.sequence >= end.last_sequence;
  };
  while (!is_at_end()) {
    const hub::LogBatch batch = log().Read(*position, max_bytes);
    if (batch.empty()) {
      if (is_at_end() || !log().Wait(*position, &waiter)) continue;
      const bool woken = waiter.Sleep();
      EXPECT_TRUE(woken) << "nobody woke a reader at " << position->cursor.sequence;
      if (!woken) break;
      continue;
    }
    if (clock_offsets != nullptr) clock_offsets->push_back(batch.clock_offset_ns);
    const std::vector<Seen> seen = Decode(batch);
    Check(batch, seen, reached);
    if (::testing::Test::HasFatalFailure()) break;
    all.insert(all.end(), seen.begin(), seen.end());
  }
  log().Disarm(&waiter);
  return all;
}

uint64_t Lost(const std::vector<Seen>& seen) { return hub::testing::LostNumbers(seen); }

uint64_t Records(const std::vector<Seen>& seen) { return hub::testing::RecordNumbers(seen).size(); }

}  // namespace kchan::spool::testing
