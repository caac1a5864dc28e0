// SPDX-License-Identifier: Apache-2.0
#include "kchan/values.h"

#include <grpcpp/channel.h>

#include <algorithm>
#include <utility>

#include "call.h"
#include "concat.h"
#include "kchan/v1/channel_service.grpc.pb.h"

namespace kchan {
namespace {

using Stub = v1::ChannelService::Stub;

// "set 'high' of channel 'limits'".
std::string Operation(std::string_view verb, std::string_view channel, std::string_view word) {
  return Concat(verb, " '", word, "' of channel '", channel, "'");
}

template <typename Request>
Request RequestFor(std::string_view channel, std::string_view word) {
  Request request;
  request.set_channel(std::string(channel));
  request.set_word(std::string(word));
  return request;
}

}  // namespace

v1::Value UnsignedValue(uint64_t number) {
  v1::Value value;
  value.set_unsigned_value(number);
  return value;
}

v1::Value SignedValue(int64_t number) {
  v1::Value value;
  value.set_signed_value(number);
  return value;
}

v1::Value TextValue(std::string_view text) {
  v1::Value value;
  value.set_text_value(std::string(text));
  return value;
}

const v1::Value* FindWord(const v1::Values& values, std::string_view word) {
  const auto found = std::find_if(values.words().begin(), values.words().end(),
                                  [&](const v1::Word& each) { return each.name() == word; });
  return found == values.words().end() ? nullptr : &found->value();
}

absl::StatusOr<v1::Values> GetValues(const Client& client, std::string_view channel) {
  v1::GetValuesRequest request;
  request.set_channel(std::string(channel));
  auto response = Call<v1::GetValuesResponse>(
      client.options(), v1::ChannelService::NewStub(client.grpc_channel()), &Stub::GetValues,
      request, Concat("get the values of channel '", channel, "'"));
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_values());
}

absl::StatusOr<std::optional<v1::Value>> SetValue(const Client& client, std::string_view channel,
                                                  std::string_view word, const v1::Value& value) {
  auto request = RequestFor<v1::SetValueRequest>(channel, word);
  *request.mutable_value() = value;
  auto response = Call<v1::SetValueResponse>(
      client.options(), v1::ChannelService::NewStub(client.grpc_channel()), &Stub::SetValue,
      request, Operation("set", channel, word));
  if (!response.ok()) return response.status();
  if (!response->has_before()) return std::optional<v1::Value>();
  return std::optional<v1::Value>(std::move(*response->mutable_before()));
}

absl::StatusOr<v1::AddValueResponse> AddValue(const Client& client, std::string_view channel,
                                              std::string_view word, int64_t delta) {
  auto request = RequestFor<v1::AddValueRequest>(channel, word);
  request.set_delta(delta);
  return Call<v1::AddValueResponse>(client.options(),
                                    v1::ChannelService::NewStub(client.grpc_channel()),
                                    &Stub::AddValue, request, Operation("add to", channel, word));
}

absl::StatusOr<v1::CompareAndSwapValueResponse> CompareAndSwapValue(const Client& client,
                                                                    std::string_view channel,
                                                                    std::string_view word,
                                                                    const v1::Value& expected,
                                                                    const v1::Value& value) {
  auto request = RequestFor<v1::CompareAndSwapValueRequest>(channel, word);
  *request.mutable_expected() = expected;
  *request.mutable_value() = value;
  return Call<v1::CompareAndSwapValueResponse>(
      client.options(), v1::ChannelService::NewStub(client.grpc_channel()),
      &Stub::CompareAndSwapValue, request, Operation("swap", channel, word));
}

}  // namespace kchan
