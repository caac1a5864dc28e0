// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/convert.h"

#include <string>

#include "bridge/hub/log.h"

namespace kchan::rpc {
namespace {

void AddField(const hub::Field& from, v1::Field& to) {
  to.set_name(from.name);
  to.set_kind(static_cast<v1::FieldKind>(from.kind));
  to.set_display(static_cast<v1::FieldDisplay>(from.display));
  to.set_offset(from.offset);
  to.set_size_bytes(from.size_bytes);
  to.set_unit(from.unit);
  to.set_documentation(from.documentation);
  for (const hub::NamedValue& value : from.names) {
    v1::NamedValue& name = *to.add_names();
    name.set_value(value.value);
    name.set_name(value.name);
  }
  for (const hub::Field& member : from.members) AddField(member, *to.add_members());
  to.set_element_bytes(from.element_bytes);
  to.set_writable(from.writable);
}

void AddType(const hub::RecordType& from, v1::Schema& schema) {
  v1::RecordType& to = *schema.add_types();
  to.set_id(from.id);
  to.set_name(from.name);
  to.set_documentation(from.documentation);
  to.set_direction(static_cast<v1::Direction>(from.direction));
  to.set_size_bytes(from.size_bytes);
  for (const hub::Field& field : from.fields) AddField(field, *to.add_fields());
}

void AddParameter(const hub::Parameter& from, v1::Channel& channel) {
  v1::Parameter& to = *channel.add_parameters();
  to.set_name(from.name);
  to.set_value(from.value);
  to.set_min_value(from.min_value);
  to.set_max_value(from.max_value);
  to.set_default_value(from.default_value);
  to.set_unit(from.unit);
  to.set_documentation(from.documentation);
}

void Describe(const hub::ChannelDescription& from, v1::Channel& to) {
  to.set_name(from.name);
  to.set_documentation(from.documentation);
  to.set_provider(from.provider);
  to.set_transport(from.transport);
  to.set_direction(static_cast<v1::Direction>(from.direction));
  to.set_layout(from.layout);
  to.set_writer_policy(from.writer_policy);
  to.set_writer_context(from.writer_context);
  to.set_max_record_bytes(from.max_record_bytes);
  to.set_budget_bytes(from.budget_bytes);
  to.set_linger_ms(from.linger_ms);
  for (const hub::Parameter& parameter : from.parameters) AddParameter(parameter, to);
  to.set_volume(hub::VolumeName(from.volume));
  to.set_path(from.path);
  if (!from.block) return;
  to.mutable_block()->set_capacity_bytes(from.block->capacity_bytes);
  to.mutable_block()->set_block_bytes(from.block->block_bytes);
  to.mutable_block()->set_read_only(from.block->read_only);
}

void Describe(const hub::HistoryExtent& from, v1::Spool& to) {
  to.set_state(static_cast<v1::SpoolState>(from.state));
  to.set_reason(from.reason);
  to.set_bytes(from.bytes);
  to.set_max_bytes(from.max_bytes);
  to.set_records(from.records);
  if (!from.oldest) return;
  to.set_oldest_epoch(from.oldest->epoch);
  to.set_oldest_sequence(from.oldest->sequence + 1);
}

uint64_t LostAt(const hub::LogExtent& extent, hub::LossStage stage) {
  return extent.lost[static_cast<size_t>(stage)];
}

}  // namespace

v1::Channel ToProto(const hub::Channel& channel) {
  const hub::ChannelSnapshot snapshot = channel.snapshot();
  const hub::LogExtent extent = channel.log().extent();
  v1::Channel to;
  Describe(*snapshot.description, to);
  to.set_state(static_cast<v1::ChannelState>(snapshot.state));
  to.set_state_reason(snapshot.reason);
  to.set_epoch(extent.epoch);
  if (snapshot.schema) to.set_schema_id(snapshot.schema->id);
  to.set_oldest_sequence(extent.oldest_sequence);
  to.set_last_sequence(extent.last_sequence);
  to.set_log_bytes(extent.bytes);
  to.set_log_max_bytes(extent.max_bytes);
  if (const auto& history = channel.log().history())
    Describe(history->extent(), *to.mutable_spool());
  return to;
}

v1::Schema ToProto(const hub::Schema& schema) {
  v1::Schema to;
  to.set_id(schema.id);
  to.set_byte_order(static_cast<v1::ByteOrder>(schema.byte_order));
  for (const hub::RecordType& type : schema.types) AddType(type, to);
  return to;
}

v1::Cursor ToProto(const hub::ChannelCursor& cursor) {
  v1::Cursor to;
  to.set_channel(cursor.channel);
  to.set_epoch(cursor.cursor.epoch);
  to.set_sequence(cursor.cursor.sequence);
  return to;
}

v1::Node ToProto(const NodeIdentity& identity, const hub::KernelSideStatus& kernel_side) {
  v1::Node to;
  to.set_name(identity.name);
  to.set_boot_id(identity.boot_id);
  to.set_kernel_release(identity.kernel_release);
  to.set_daemon_version(identity.daemon_version);
  to.set_daemon_abi(identity.daemon_abi);
  to.set_module_version(kernel_side.module_version);
  to.set_module_abi(kernel_side.module_abi);
  return to;
}

v1::Problem ToProto(const hub::Problem& problem) {
  v1::Problem to;
  to.set_subject(problem.subject);
  to.set_description(problem.description);
  to.set_remedy(problem.remedy);
  return to;
}

v1::ChannelCounters ToCounters(const hub::Channel& channel) {
  const hub::LogExtent extent = channel.log().extent();
  v1::ChannelCounters to;
  to.set_channel(channel.name());
  to.set_records(extent.records);
  to.set_bytes(extent.record_bytes);
  to.set_lost_kernel_ring(LostAt(extent, hub::LossStage::kKernelRing));
  to.set_lost_kernel_transport(LostAt(extent, hub::LossStage::kKernelTransport));
  to.set_lost_source(LostAt(extent, hub::LossStage::kSource));
  to.set_evicted_records(extent.evicted_records);
  to.set_subscriptions(channel.readers());

  const hub::Deliveries delivered = channel.deliveries().Read();
  const auto lost = [&](hub::LossStage stage) {
    return delivered.lost[static_cast<size_t>(stage)];
  };
  to.set_delivered(delivered.numbers);
  to.set_delivered_bytes(delivered.bytes);
  to.set_acknowledged_bytes(delivered.acknowledged_bytes);
  to.set_filtered(delivered.filtered);
  to.set_sampled(delivered.sampled);
  to.set_lost_log_eviction(lost(hub::LossStage::kLogEviction));
  to.set_lost_subscriber_policy(lost(hub::LossStage::kSubscriberPolicy));
  to.set_lost_rate_limit(lost(hub::LossStage::kRateLimit));
  to.set_lost_daemon_restart(lost(hub::LossStage::kDaemonRestart));
  to.set_lost_spool(lost(hub::LossStage::kSpool));
  return to;
}

v1::SubscribeResponse::ChannelUpdate ToProto(const hub::ChannelUpdateOut& update) {
  v1::SubscribeResponse::ChannelUpdate to;
  to.set_channel(update.channel);
  to.set_state(static_cast<v1::ChannelState>(update.state));
  to.set_reason(update.reason);
  to.set_epoch(update.epoch);
  to.set_schema_id(update.schema_id);
  to.mutable_missing_fields()->Assign(update.missing_fields.begin(), update.missing_fields.end());
  return to;
}

v1::KernelSide ToProto(hub::KernelSideState state) { return static_cast<v1::KernelSide>(state); }

}  // namespace kchan::rpc
