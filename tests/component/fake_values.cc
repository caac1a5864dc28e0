// SPDX-License-Identifier: Apache-2.0
#include "tests/component/fake_values.h"

#include "kchan/v1/schema.pb.h"

namespace kchan::testing {
namespace {

hub::Field Word(const std::string& name, v1::FieldKind kind, uint32_t offset) {
  hub::Field field;
  field.name = name;
  field.kind = kind;
  field.offset = offset;
  field.size_bytes = 8;
  field.writable = true;
  return field;
}

std::shared_ptr<const hub::Schema> ValueSchema() {
  hub::Schema schema{.byte_order = hub::ByteOrder::kLittle};
  hub::RecordType& type = schema.types.emplace_back();
  type.id = 1;
  type.name = "values";
  type.fields = {Word("high", v1::FIELD_KIND_U64, 0), Word("low", v1::FIELD_KIND_S64, 8),
                 Word("note", v1::FIELD_KIND_STRING, 16)};
  schema.id = hub::SchemaId(schema);
  return std::make_shared<const hub::Schema>(std::move(schema));
}

std::shared_ptr<hub::Channel> Add(hub::Hub& hub, hub::ChannelDescription description) {
  description.provider = "fake";
  auto channel =
      hub.Upsert(std::make_shared<const hub::ChannelDescription>(std::move(description)));
  channel->SetState(hub::ChannelState::kLive, "");
  return channel;
}

std::shared_ptr<hub::Channel> AddValues(hub::Hub& hub, const std::string& name) {
  hub::ChannelDescription description;
  description.name = name;
  description.transport = "value";
  description.volume = hub::Volume::kValue;
  auto channel = Add(hub, std::move(description));
  channel->SetSchema(ValueSchema());
  return channel;
}

}  // namespace

FakeValues::FakeValues(hub::Hub& hub, const std::string& name) : channel_(AddValues(hub, name)) {}

hub::ValueSnapshot FakeValues::Snapshot(uint64_t version, uint64_t high, uint64_t generation) {
  return {.version = version,
          .boottime_ns = 1000 + version,
          .words = {{"high", high}, {"low", int64_t{-5}}, {"note", std::string("x\xff")}},
          .generation = generation};
}

void FakeValues::Change(uint64_t high, uint64_t changes) {
  version_ += changes;
  channel_->SetState(hub::ChannelState::kLive, "");
  channel_->values().Set(
      std::make_shared<const hub::ValueSnapshot>(Snapshot(version_, high, generation_)));
}

void FakeValues::Leave() {
  channel_->values().Clear();
  channel_->SetState(hub::ChannelState::kEnded, "unloaded");
  version_ = 0;
  ++generation_;
}

std::shared_ptr<hub::Channel> AddFakeBlocks(hub::Hub& hub, const std::string& name,
                                            const hub::BlockGeometry& geometry) {
  hub::ChannelDescription description;
  description.name = name;
  description.transport = "block";
  description.volume = hub::Volume::kBulk;
  description.block = geometry;
  return Add(hub, std::move(description));
}

}  // namespace kchan::testing
