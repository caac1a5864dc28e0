// SPDX-License-Identifier: Apache-2.0
#include "response_parser.h"

#include <utility>

#include "concat.h"
#include "wire_reader.h"

namespace kchan {
namespace {

absl::Status Malformed(std::string_view what) {
  return absl::DataLossError(Concat("malformed SubscribeResponse: ", what));
}

// Finds the bytes of the message's batch, if it has one.
absl::StatusOr<std::optional<std::string_view>> FindBatch(std::string_view bytes) {
  std::optional<std::string_view> batch;
  WireReader reader(bytes);
  while (!reader.done()) {
    uint32_t field;
    WireType type;
    if (!reader.ReadTag(&field, &type)) return Malformed("bad tag");
    if (field != v1::SubscribeResponse::kBatchFieldNumber || type != WireType::kLengthDelimited) {
      if (!reader.Skip(type)) return Malformed(Concat("field ", field, " is truncated"));
      continue;
    }
    // Protobuf would merge two; a daemon has no reason to send them.
    if (batch) return Malformed("two batches");
    if (!reader.ReadBytes(&batch.emplace())) return Malformed("truncated batch");
  }
  return batch;
}

}  // namespace

absl::StatusOr<std::optional<Delivery>> ParseResponse(std::string_view bytes, BatchView* batch) {
  const auto found = FindBatch(bytes);
  if (!found.ok()) return found.status();
  if (found->has_value()) {
    if (absl::Status status = batch->Parse(**found); !status.ok()) return status;
    return Delivery(batch);
  }

  v1::SubscribeResponse response;
  if (!response.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Malformed("not a message");
  }
  switch (response.response_case()) {
    case v1::SubscribeResponse::kHello:
      return Delivery(std::move(*response.mutable_hello()));
    case v1::SubscribeResponse::kHeartbeat:
      return Delivery(std::move(*response.mutable_heartbeat()));
    case v1::SubscribeResponse::kChannelUpdate:
      return Delivery(std::move(*response.mutable_channel_update()));
    case v1::SubscribeResponse::kHistoryEnd:
      return Delivery(std::move(*response.mutable_history_end()));
    default:
      return std::optional<Delivery>();
  }
}

}  // namespace kchan
