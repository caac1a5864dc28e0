// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_KERNEL_MESSAGES_H_
#define KCHAN_BRIDGE_SOURCE_KERNEL_MESSAGES_H_

#include <linux/kchan.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/hub/channel_description.h"
#include "bridge/hub/record.h"
#include "bridge/hub/schema.h"

// What messages of the family "kchan" say, from the attributes behind their
// generic-netlink header. linux/kchan.h documents them.
//
// Nothing is believed: lengths, strings, counts and places are checked, texts
// become printable UTF-8. An attribute that is not known is left out, since a
// later minor ABI may bring it; a known one that is wrong, or a needed one that
// is not there, is INVALID_ARGUMENT.
namespace kchan::source {

struct NodeMessage {
  uint16_t abi_major = 0;
  uint16_t abi_minor = 0;
  uint64_t features = 0;
  std::string module_version;
  bool quiesced = false;
};

struct ChannelMessage {
  uint32_t id = 0;
  uint32_t transport = 0;  // enum kchan_transport
  uint32_t layout = 0;     // enum kchan_layout
  uint32_t state = 0;      // enum kchan_state
  uint64_t generation = 0;
  bool overwrite = false;  // of RELAY
  hub::ChannelDescription description;
};

// Which channel an announcement is about.
struct ChannelNameMessage {
  std::string name;
  uint32_t id = 0;  // 0: not said
};

struct EnabledMessage {
  uint64_t generation = 0;
  uint64_t sequence = 0;  // the last number used
};

// One ring's counters, as far as they are used here.
struct RingStatsMessage {
  uint32_t cpu = 0;  // or KCHAN_CPU_SHARED
  uint64_t records = 0;
  uint64_t lost = 0;
  uint64_t read_sequence = 0;
};

struct StatsMessage {
  uint64_t generation = 0;
  std::vector<RingStatsMessage> rings;
};

// KCHAN_CMD_RECORDS_NTF; `record_attributes` are views into the message.
struct RecordsMessage {
  uint32_t channel_id = 0;
  uint64_t generation = 0;
  uint64_t sequence = 0;
  std::span<const std::byte> attributes;
};

struct RecordMessage {
  uint64_t sequence = 0;
  uint64_t lost_before = 0;
  hub::RecordHeader header;
  std::span<const std::byte> payload;
};

absl::StatusOr<NodeMessage> ParseNode(std::span<const std::byte> attributes);
absl::StatusOr<ChannelMessage> ParseChannel(std::span<const std::byte> attributes);
absl::StatusOr<ChannelNameMessage> ParseChannelName(std::span<const std::byte> attributes);
absl::StatusOr<hub::Schema> ParseSchema(std::span<const std::byte> attributes);
absl::StatusOr<EnabledMessage> ParseEnabled(std::span<const std::byte> attributes);
absl::StatusOr<StatsMessage> ParseStats(std::span<const std::byte> attributes);
absl::StatusOr<RecordsMessage> ParseRecords(std::span<const std::byte> attributes);
// Calls `visit` for each record of `message`, in order.
absl::Status VisitRecords(const RecordsMessage& message,
                          absl::FunctionRef<absl::Status(const RecordMessage&)> visit);

// As linux/kchan.h says: [a-z0-9_.-], a letter first, shorter than
// KCHAN_NAME_BYTES.
bool IsChannelName(std::string_view name);

// `text` as UTF-8 without control characters: '?' for each byte that is not.
std::string Printable(std::string_view text);

// `text` with '?' for each byte that is no UTF-8, and for NULs; lines stay.
std::string ValidUtf8(std::string_view text);

// "PARAM" for KCHAN_A_PARAM.
const char* KchanAttributeName(uint16_t type);

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_KERNEL_MESSAGES_H_
