// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/kernel_messages.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/netlink/netlink_attributes.h"
#include "bridge/source/kernel_text.h"

namespace kchan::source {
namespace {

constexpr size_t kMaxParameters = 256;
constexpr size_t kMaxPathBytes = 4096;  // PATH_MAX

absl::Status Missing(const char* message, const char* attribute) {
  return absl::InvalidArgumentError(
      absl::StrCat("kchan netlink ", message, " message without ", attribute));
}

absl::Status ReadParameter(const netlink::AttributeView& attribute, hub::Parameter* parameter) {
  switch (attribute.type()) {
    case KCHAN_PARAM_A_NAME:
      return GetText(attribute, KCHAN_NAME_BYTES, &parameter->name);
    case KCHAN_PARAM_A_VALUE:
      return attribute.Get(&parameter->value);
    case KCHAN_PARAM_A_MIN:
      return attribute.Get(&parameter->min_value);
    case KCHAN_PARAM_A_MAX_VALUE:
      return attribute.Get(&parameter->max_value);
    case KCHAN_PARAM_A_DEFAULT:
      return attribute.Get(&parameter->default_value);
    case KCHAN_PARAM_A_UNIT:
      return GetText(attribute, KCHAN_UNIT_BYTES, &parameter->unit);
    case KCHAN_PARAM_A_DOC:
      return GetText(attribute, KCHAN_DOC_BYTES, &parameter->documentation);
    default:
      return absl::OkStatus();
  }
}

absl::Status AddParameter(const netlink::AttributeView& nest,
                          std::vector<hub::Parameter>* parameters) {
  if (parameters->size() == kMaxParameters) {
    return absl::InvalidArgumentError("a channel has too many parameters");
  }
  hub::Parameter& parameter = parameters->emplace_back();
  const absl::Status status = netlink::VisitAttributes(
      nest.payload(),
      [&](const netlink::AttributeView& a) { return ReadParameter(a, &parameter); });
  if (!status.ok()) return status;
  return parameter.name.empty() ? Missing("PARAM", "NAME") : absl::OkStatus();
}

absl::Status GetName(const netlink::AttributeView& attribute, std::string* name) {
  const absl::Status status = attribute.GetString(KCHAN_NAME_BYTES, name);
  if (!status.ok()) return status;
  if (IsChannelName(*name)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a channel is named '", Printable(*name), "', which no channel may be"));
}

// An enumerator as its name.
absl::Status GetNamed(const netlink::AttributeView& attribute, std::string (*name)(uint32_t),
                      std::string* value) {
  uint32_t number = 0;
  const absl::Status status = attribute.Get(&number);
  if (status.ok()) *value = name(number);
  return status;
}

absl::Status GetDirection(const netlink::AttributeView& attribute, hub::Direction* direction) {
  uint32_t bits = 0;
  const absl::Status status = attribute.Get(&bits);
  if (status.ok()) *direction = DirectionOf(bits);
  return status;
}

absl::Status GetVolume(const netlink::AttributeView& attribute, hub::Volume* volume) {
  uint32_t number = 0;
  const absl::Status status = attribute.Get(&number);
  if (status.ok() && number <= KCHAN_VOLUME_BULK) *volume = static_cast<hub::Volume>(number);
  return status;
}

hub::BlockGeometry& BlockOf(hub::ChannelDescription* channel) {
  if (!channel->block) channel->block.emplace();
  return *channel->block;
}

absl::Status ReadDescription(const netlink::AttributeView& attribute,
                             hub::ChannelDescription* channel) {
  switch (attribute.type()) {
    case KCHAN_A_CHANNEL_NAME:
      return GetName(attribute, &channel->name);
    case KCHAN_A_CHANNEL_DOC:
      return GetText(attribute, KCHAN_DOC_BYTES, &channel->documentation);
    case KCHAN_A_PROVIDER:
      return GetText(attribute, KCHAN_NAME_BYTES, &channel->provider);
    case KCHAN_A_TRANSPORT:
      return GetNamed(attribute, TransportName, &channel->transport);
    case KCHAN_A_DIRECTION:
      return GetDirection(attribute, &channel->direction);
    case KCHAN_A_LAYOUT:
      return GetNamed(attribute, LayoutName, &channel->layout);
    case KCHAN_A_POLICY:
      return GetNamed(attribute, PolicyName, &channel->writer_policy);
    case KCHAN_A_CONTEXT:
      return GetNamed(attribute, ContextName, &channel->writer_context);
    case KCHAN_A_MAX_RECORD_BYTES:
      return attribute.Get(&channel->max_record_bytes);
    case KCHAN_A_BUDGET_BYTES:
      return attribute.Get(&channel->budget_bytes);
    case KCHAN_A_LINGER_MS:
      return attribute.Get(&channel->linger_ms);
    case KCHAN_A_PARAM:
      return AddParameter(attribute, &channel->parameters);
    case KCHAN_A_PATH:
      return GetText(attribute, kMaxPathBytes, &channel->path);
    case KCHAN_A_VOLUME:
      return GetVolume(attribute, &channel->volume);
    case KCHAN_A_CAPACITY_BYTES:
      return attribute.Get(&BlockOf(channel).capacity_bytes);
    case KCHAN_A_BLOCK_BYTES:
      return attribute.Get(&BlockOf(channel).block_bytes);
    case KCHAN_A_READ_ONLY:
      BlockOf(channel).read_only = true;
      return absl::OkStatus();
    default:
      return absl::OkStatus();
  }
}

absl::Status ReadChannel(const netlink::AttributeView& attribute, ChannelMessage* channel) {
  absl::Status status;
  switch (attribute.type()) {
    case KCHAN_A_CHANNEL_ID:
      return attribute.Get(&channel->id);
    case KCHAN_A_STATE:
      return attribute.Get(&channel->state);
    case KCHAN_A_GENERATION:
      return attribute.Get(&channel->generation);
    case KCHAN_A_OVERWRITE:
      channel->overwrite = true;
      return absl::OkStatus();
    case KCHAN_A_TRANSPORT:
      status = attribute.Get(&channel->transport);
      break;
    case KCHAN_A_LAYOUT:
      status = attribute.Get(&channel->layout);
      break;
    default:
      break;
  }
  return status.ok() ? ReadDescription(attribute, &channel->description) : status;
}

absl::Status ReadNode(const netlink::AttributeView& attribute, NodeMessage* node) {
  switch (attribute.type()) {
    case KCHAN_A_ABI_MAJOR:
      return attribute.Get(&node->abi_major);
    case KCHAN_A_ABI_MINOR:
      return attribute.Get(&node->abi_minor);
    case KCHAN_A_FEATURES:
      return attribute.Get(&node->features);
    case KCHAN_A_MODULE_VERSION:
      return GetText(attribute, KCHAN_NAME_BYTES, &node->module_version);
    case KCHAN_A_QUIESCED:
      node->quiesced = true;
      return absl::OkStatus();
    default:
      return absl::OkStatus();
  }
}

absl::Status ReadRecord(const netlink::AttributeView& attribute, RecordMessage* record) {
  uint16_t type = 0;
  absl::Status status;
  switch (attribute.type()) {
    case KCHAN_RECORD_A_SEQUENCE:
      return attribute.Get(&record->sequence);
    case KCHAN_RECORD_A_LOST_BEFORE:
      return attribute.Get(&record->lost_before);
    case KCHAN_RECORD_A_BOOTTIME_NS:
      return attribute.Get(&record->header.boottime_ns);
    case KCHAN_RECORD_A_CPU:
      return attribute.Get(&record->header.cpu);
    case KCHAN_RECORD_A_TYPE:
      status = attribute.Get(&type);
      record->header.type = type;
      return status;
    case KCHAN_RECORD_A_PAYLOAD:
      record->payload = attribute.payload();
      return absl::OkStatus();
    default:
      return absl::OkStatus();
  }
}

}  // namespace

absl::StatusOr<NodeMessage> ParseNode(std::span<const std::byte> attributes) {
  NodeMessage node;
  const absl::Status status = netlink::VisitAttributes(
      attributes, [&](const netlink::AttributeView& a) { return ReadNode(a, &node); });
  if (!status.ok()) return status;
  if (node.abi_major == 0) return Missing("NODE", "ABI_MAJOR");
  return node;
}

absl::StatusOr<ChannelMessage> ParseChannel(std::span<const std::byte> attributes) {
  ChannelMessage channel;
  const absl::Status status = netlink::VisitAttributes(
      attributes, [&](const netlink::AttributeView& a) { return ReadChannel(a, &channel); });
  if (!status.ok()) return status;
  if (channel.description.name.empty()) return Missing("CHANNEL", "CHANNEL_NAME");
  if (channel.id == 0) return Missing("CHANNEL", "CHANNEL_ID");
  if (channel.transport == KCHAN_TRANSPORT_UNSPEC) return Missing("CHANNEL", "TRANSPORT");
  // Only rings have a choice.
  if (channel.transport != KCHAN_TRANSPORT_RING) channel.description.layout.clear();
  return channel;
}

absl::StatusOr<ChannelNameMessage> ParseChannelName(std::span<const std::byte> attributes) {
  ChannelNameMessage channel;
  const absl::Status status =
      netlink::VisitAttributes(attributes, [&](const netlink::AttributeView& attribute) {
        switch (attribute.type()) {
          case KCHAN_A_CHANNEL_NAME:
            return GetName(attribute, &channel.name);
          case KCHAN_A_CHANNEL_ID:
            return attribute.Get(&channel.id);
          default:
            return absl::OkStatus();
        }
      });
  if (!status.ok()) return status;
  if (channel.name.empty()) return Missing("channel's", "CHANNEL_NAME");
  return channel;
}

absl::StatusOr<EnabledMessage> ParseEnabled(std::span<const std::byte> attributes) {
  EnabledMessage enabled;
  const absl::Status status =
      netlink::VisitAttributes(attributes, [&](const netlink::AttributeView& attribute) {
        switch (attribute.type()) {
          case KCHAN_A_GENERATION:
            return attribute.Get(&enabled.generation);
          case KCHAN_A_SEQUENCE:
            return attribute.Get(&enabled.sequence);
          default:
            return absl::OkStatus();
        }
      });
  if (!status.ok()) return status;
  if (enabled.generation == 0) return Missing("ENABLE", "GENERATION");
  return enabled;
}

absl::StatusOr<RecordsMessage> ParseRecords(std::span<const std::byte> attributes) {
  RecordsMessage records{.attributes = attributes};
  const absl::Status status =
      netlink::VisitAttributes(attributes, [&](const netlink::AttributeView& attribute) {
        switch (attribute.type()) {
          case KCHAN_A_CHANNEL_ID:
            return attribute.Get(&records.channel_id);
          case KCHAN_A_GENERATION:
            return attribute.Get(&records.generation);
          case KCHAN_A_SEQUENCE:
            return attribute.Get(&records.sequence);
          default:
            return absl::OkStatus();
        }
      });
  if (!status.ok()) return status;
  if (records.generation == 0) return Missing("RECORDS", "GENERATION");
  return records;
}

absl::Status VisitRecords(const RecordsMessage& message,
                          absl::FunctionRef<absl::Status(const RecordMessage&)> visit) {
  return netlink::VisitAttributes(message.attributes, [&](const netlink::AttributeView& attribute) {
    if (attribute.type() != KCHAN_A_RECORD) return absl::OkStatus();
    RecordMessage record;
    const absl::Status status = netlink::VisitAttributes(
        attribute.payload(),
        [&](const netlink::AttributeView& a) { return ReadRecord(a, &record); });
    if (!status.ok()) return status;
    if (record.sequence == 0) return Missing("RECORD", "SEQUENCE");
    return visit(record);
  });
}

}  // namespace kchan::source
