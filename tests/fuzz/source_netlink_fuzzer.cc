// SPDX-License-Identifier: Apache-2.0
// A netlink datagram holds anything: as messages of the family "kchan" and of
// nlctrl, and as an acknowledgement. What is believed keeps its promises.
#include <linux/genetlink.h>
#include <linux/netlink.h>

#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "bridge/netlink/genl_family.h"
#include "bridge/netlink/genl_message.h"
#include "bridge/netlink/genl_policy.h"
#include "bridge/netlink/netlink_ack.h"
#include "bridge/source/kernel_messages.h"

namespace {

using kchan::hub::Field;
using kchan::hub::RecordType;
namespace netlink = kchan::netlink;
namespace source = kchan::source;

void Check(bool is_true) {
  if (!is_true) std::abort();
}

// How many fields there are, members included.
size_t CheckFields(const std::vector<Field>& fields, uint32_t size_bytes, int depth) {
  Check(depth <= KCHAN_MAX_STRUCT_DEPTH);
  size_t count = fields.size();
  for (const Field& field : fields) {
    Check(uint64_t{field.offset} + field.size_bytes <= size_bytes);
    Check(field.name == source::Printable(field.name));
    if (field.kind != KCHAN_FIELD_STRUCT) continue;
    Check(field.element_bytes != 0 && field.size_bytes % field.element_bytes == 0);
    count += CheckFields(field.members, field.element_bytes, depth + 1);
  }
  return count;
}

void CheckSchema(std::span<const std::byte> attributes) {
  const auto schema = source::ParseSchema(attributes);
  if (!schema.ok()) return;
  Check(schema->id != 0 && schema->types.size() <= KCHAN_MAX_TYPES);
  for (const RecordType& type : schema->types) {
    Check(type.id != 0 && type.size_bytes <= KCHAN_MAX_RECORD_BYTES);
    Check(CheckFields(type.fields, type.size_bytes, 0) <= KCHAN_MAX_FIELDS);
  }
}

void CheckChannel(std::span<const std::byte> attributes) {
  const auto channel = source::ParseChannel(attributes);
  if (!channel.ok()) return;
  Check(source::IsChannelName(channel->description.name));
  Check(channel->description.documentation ==
        source::Printable(channel->description.documentation));
}

void CheckRecords(std::span<const std::byte> attributes) {
  const auto records = source::ParseRecords(attributes);
  if (!records.ok()) return;
  (void)source::VisitRecords(*records, [&](const source::RecordMessage& record) {
    Check(record.sequence != 0);
    Check(record.payload.empty() ||
          (record.payload.data() >= attributes.data() &&
           record.payload.data() + record.payload.size() <= attributes.data() + attributes.size()));
    return absl::OkStatus();
  });
}

void CheckPolicies(std::span<const std::byte> attributes) {
  netlink::FamilyPolicies policies;
  if (!netlink::AddPolicies(attributes, 7, &policies).ok()) return;
  for (const auto& [number, policy] : policies.policies) {
    Check(number >= 7);
    for (const auto& each : policy) Check((each.first & NLA_TYPE_MASK) == each.first);
  }
}

void CheckFamily(std::span<const std::byte> attributes) {
  const auto family = netlink::ParseFamily(attributes);
  if (!family.ok()) return;
  Check(!family->name.empty() && family->name.size() < GENL_NAMSIZ && family->id != 0);
  for (size_t i = 1; i < family->operations.size(); ++i) {
    Check(family->operations[i - 1].command <= family->operations[i].command);
  }
}

void CheckMessage(const nlmsghdr& header, std::span<const std::byte> payload) {
  netlink::NetlinkAck ack;
  (void)netlink::ParseAck(header, payload, payload, &ack);
  Check(ack.error >= 0);
  netlink::GenlMessage message;
  if (!netlink::ParseGenlMessage(header, payload, &message).ok()) return;
  CheckFamily(message.attributes);
  CheckPolicies(message.attributes);
  (void)netlink::ParseAttributePolicy(ack.policy);
  (void)source::ParseNode(message.attributes);
  (void)source::ParseChannelName(message.attributes);
  (void)source::ParseEnabled(message.attributes);
  CheckChannel(message.attributes);
  CheckSchema(message.attributes);
  CheckRecords(message.attributes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto datagram = std::as_bytes(std::span(data, size));
  (void)netlink::VisitMessages(datagram, [](const nlmsghdr& header, auto payload) {
    CheckMessage(header, payload);
    return absl::OkStatus();
  });
  // The lengths of a datagram's headers are hard to guess: without them, too.
  CheckMessage({}, datagram);
  return 0;
}
