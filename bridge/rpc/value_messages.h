// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_VALUE_MESSAGES_H_
#define KCHAN_BRIDGE_RPC_VALUE_MESSAGES_H_

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bridge/hub/hub.h"
#include "bridge/hub/kernel_door.h"
#include "bridge/hub/value_reader.h"
#include "kchan/v1/value.pb.h"

// Values as messages, and requests about them, checked: convert's part for
// channels of values.
namespace kchan::rpc {

v1::Value ToProto(const hub::Value& value);
v1::Values ToProto(const hub::ValueSnapshot& snapshot);
v1::WatchValuesResponse::Update ToProto(const std::string& channel, const hub::ValueUpdate& update,
                                        bool is_heartbeat);

// Checked against the channel's schema, where it has one: a word that it does
// not name is NOT_FOUND, a value that its kind cannot hold INVALID_ARGUMENT. A
// number is given the kind of its word.
absl::StatusOr<hub::ValueChange> FromProto(const v1::SetValueRequest& request,
                                           const hub::Channel& channel);
absl::StatusOr<hub::ValueChange> FromProto(const v1::AddValueRequest& request,
                                           const hub::Channel& channel);
absl::StatusOr<hub::ValueChange> FromProto(const v1::CompareAndSwapValueRequest& request,
                                           const hub::Channel& channel);

// What WatchValues asks for, with the channels that it names.
struct ValueWatchRequest {
  std::vector<std::shared_ptr<hub::Channel>> channels;
  std::chrono::nanoseconds sample_interval{0};  // 0: on change
  bool suppress_redundant = false;
  std::chrono::nanoseconds heartbeat_interval{0};  // 0: none
};
absl::StatusOr<ValueWatchRequest> FromProto(const v1::WatchValuesRequest& request,
                                            const hub::Hub& hub);

// "word = 5 if 4", in one line, whatever is in it: for the audit.
std::string Describe(const hub::ValueChange& change);
std::string Describe(const hub::Value& value);

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_VALUE_MESSAGES_H_
