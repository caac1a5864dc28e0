// SPDX-License-Identifier: Apache-2.0
#include "tests/component/fake_source.h"

#include <span>

namespace kchan::testing {
namespace {

constexpr size_t kMaxRecordBytes = 64 << 10;

}  // namespace

std::shared_ptr<const hub::Schema> FakeSchema() {
  hub::Schema schema;
  schema.byte_order = hub::ByteOrder::kLittle;
  hub::Field number{"number", 4, 0, 0, 8, "", "Counts.", {{1, "one"}}, {}};
  schema.types.push_back({1, "fact", "Something.", hub::Direction::kToUser, 8, {number}});
  schema.types.push_back({2, "command", "Do it.", hub::Direction::kToKernel, 8, {number}});
  schema.id = hub::SchemaId(schema);
  return std::make_shared<const hub::Schema>(schema);
}

std::shared_ptr<const hub::ChannelDescription> FakeSource::Describe(const std::string& name) {
  hub::ChannelDescription description;
  description.name = name;
  description.documentation = "A channel of a test.";
  description.provider = "fake";
  description.transport = "ring";
  description.direction = hub::Direction::kBoth;
  description.max_record_bytes = kMaxRecordBytes;
  description.parameters.push_back({"rate", 10, 1, 1000, 10, "Hz", "How often."});
  return std::make_shared<const hub::ChannelDescription>(description);
}

FakeSource::FakeSource(hub::Hub& hub, const std::string& name)
    : channel_(hub.Upsert(Describe(name))), payload_(kMaxRecordBytes, 'x') {
  channel_->SetSchema(FakeSchema());
  channel_->SetState(hub::ChannelState::kLive, "");
  StartEpoch(kEpoch);
}

void FakeSource::Append(uint64_t records, size_t bytes) {
  const auto payload = std::as_bytes(std::span(payload_)).first(bytes);
  for (uint64_t i = 0; i < records; ++i) {
    log().Append({.boottime_ns = log().next_sequence(), .cpu = 1, .type = 1}, payload);
  }
  log().Publish();
}

void FakeSource::AppendLoss(uint64_t count, hub::LossStage stage) {
  log().AppendLoss({.count = count, .stage = stage, .cpu = 1, .cause = "test"});
  log().Publish();
}

void FakeSource::StartEpoch(uint64_t epoch, uint64_t next_sequence) {
  log().StartEpoch(epoch, FakeSchema()->id, next_sequence);
}

}  // namespace kchan::testing
