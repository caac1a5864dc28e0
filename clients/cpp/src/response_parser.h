// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CPP_SRC_RESPONSE_PARSER_H_
#define KCHAN_CLIENTS_CPP_SRC_RESPONSE_PARSER_H_

#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "kchan/subscription.h"

namespace kchan {

// Parses one SubscribeResponse: a batch in place into *batch, anything else as
// a message of its own. Nothing: a kind of response that this library is too
// old for. DATA_LOSS: the bytes are not a SubscribeResponse.
absl::StatusOr<std::optional<Delivery>> ParseResponse(std::string_view bytes, BatchView* batch);

}  // namespace kchan

#endif  // KCHAN_CLIENTS_CPP_SRC_RESPONSE_PARSER_H_
