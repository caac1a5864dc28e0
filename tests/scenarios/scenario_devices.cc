// SPDX-License-Identifier: Apache-2.0
#include "tests/scenarios/scenario_devices.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kchan/v1/schema.pb.h"

namespace kchan::testing {
namespace {

constexpr uint64_t kDiskBytes = 1 << 20;

hub::Field Word(const std::string& name, v1::FieldKind kind, uint32_t index, bool writable) {
  hub::Field field;
  field.name = name;
  field.kind = kind;
  field.offset = 8 * index;
  field.size_bytes = 8;
  field.writable = writable;
  return field;
}

std::shared_ptr<const hub::Schema> LimitsSchema() {
  hub::Field mode = Word("mode", v1::FIELD_KIND_U64, 2, true);
  mode.display = v1::FIELD_DISPLAY_ENUM;
  mode.names = {{0, "off"}, {1, "on"}, {2, "auto"}};
  hub::Field uptime = Word("uptime", v1::FIELD_KIND_U64, 3, false);
  uptime.unit = "s";
  hub::RecordType type;
  type.id = 1;
  type.name = "limits";
  type.direction = hub::Direction::kBoth;
  type.size_bytes = 32;
  type.fields = {Word("high", v1::FIELD_KIND_U64, 0, true),
                 Word("low", v1::FIELD_KIND_S64, 1, true), mode, uptime};
  hub::Schema schema{.byte_order = hub::ByteOrder::kLittle, .types = {type}};
  schema.id = hub::SchemaId(schema);
  return std::make_shared<const hub::Schema>(std::move(schema));
}

std::shared_ptr<hub::Channel> Add(hub::Hub& hub, const std::string& name, const std::string& text,
                                  hub::ChannelDescription description) {
  description.name = name;
  description.documentation = text;
  description.provider = "scenario";
  description.direction = hub::Direction::kBoth;
  description.writer_context = "process";
  auto channel =
      hub.Upsert(std::make_shared<const hub::ChannelDescription>(std::move(description)));
  channel->SetState(hub::ChannelState::kLive, "");
  return channel;
}

std::shared_ptr<hub::Channel> AddLimits(hub::Hub& hub) {
  hub::ChannelDescription description;
  description.transport = "value";
  description.volume = hub::Volume::kValue;
  description.writer_policy = "spinlock";
  description.path = "/sys/class/kchan/limits/values";
  auto channel = Add(hub, "limits", "What is allowed.", std::move(description));
  channel->SetSchema(LimitsSchema());
  return channel;
}

void AddBlocks(hub::Hub& hub, const std::string& name, const std::string& text,
               const hub::BlockGeometry& geometry) {
  hub::ChannelDescription description;
  description.transport = "block";
  description.volume = hub::Volume::kBulk;
  description.writer_policy = "mutex";
  description.path = "/dev/kchan_" + name;
  description.block = geometry;
  Add(hub, name, text, std::move(description));
}

// As a word of 64 bits, whatever its sign.
uint64_t BitsOf(const hub::Value& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) return static_cast<uint64_t>(*number);
  return std::get<uint64_t>(value);
}

}  // namespace

ScenarioValues::ScenarioValues(hub::Hub& hub)
    : channel_(AddLimits(hub)),
      words_{{"high", uint64_t{100}},
             {"low", int64_t{-5}},
             {"mode", uint64_t{1}},
             {"uptime", uint64_t{77}}} {
  channel_->values().Set(std::make_shared<const hub::ValueSnapshot>(Read()));
}

hub::ValueSnapshot ScenarioValues::ReadLocked() const {
  return {.version = version_, .boottime_ns = version_ * 1000, .words = words_, .generation = 1};
}

hub::ValueSnapshot ScenarioValues::Read() const {
  const std::lock_guard lock(mutex_);
  return ReadLocked();
}

absl::StatusOr<hub::ValueChanged> ScenarioValues::Change(const hub::ValueChange& change) {
  const std::lock_guard lock(mutex_);
  const auto word = std::find_if(words_.begin(), words_.end(),
                                 [&](const hub::Word& each) { return each.name == change.word; });
  if (word == words_.end()) return absl::NotFoundError("there is no such word");
  if (word->name == "uptime") return absl::PermissionDeniedError("'uptime' is the module's own");
  hub::ValueChanged changed{.before = word->value, .after = {}};
  hub::Value after = change.operand;
  if (change.operation == hub::ValueChange::Operation::kAdd) {
    const uint64_t sum = BitsOf(word->value) + BitsOf(change.operand);
    after = std::holds_alternative<int64_t>(word->value) ? hub::Value(static_cast<int64_t>(sum))
                                                         : hub::Value(sum);
  } else if (change.operation == hub::ValueChange::Operation::kCompareAndSwap) {
    changed.applied = word->value == change.expected;
    if (!changed.applied) after = word->value;
  }
  changed.after = after;
  if (!changed.applied) return changed;
  word->value = std::move(after);
  ++version_;
  channel_->values().Set(std::make_shared<const hub::ValueSnapshot>(ReadLocked()));
  return changed;
}

ScenarioDisk::ScenarioDisk(hub::Hub& hub) : region_(kDiskBytes) {
  AddBlocks(hub, "disk", "A scratch disk.", {.capacity_bytes = kDiskBytes, .block_bytes = 512});
  AddBlocks(hub, "rom", "What was burnt in.",
            {.capacity_bytes = 4096, .block_bytes = 512, .read_only = true});
}

absl::Status ScenarioDisk::Read(uint64_t offset, std::span<std::byte> to) const {
  const std::lock_guard lock(mutex_);
  std::memcpy(to.data(), region_.data() + offset, to.size());
  return absl::OkStatus();
}

absl::Status ScenarioDisk::Write(uint64_t offset, std::span<const std::byte> from) {
  const std::lock_guard lock(mutex_);
  std::memcpy(region_.data() + offset, from.data(), from.size());
  return absl::OkStatus();
}

}  // namespace kchan::testing
