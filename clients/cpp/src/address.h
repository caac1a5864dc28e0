// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CPP_SRC_ADDRESS_H_
#define KCHAN_CLIENTS_CPP_SRC_ADDRESS_H_

#include <optional>
#include <string>
#include <string_view>

#include "kchan/v1/schema.pb.h"

namespace kchan {

// An address as people write it; `bytes` has AddressBytes(display) bytes.
std::string AddressText(v1::FieldDisplay display, std::string_view bytes);

// The bytes of an address as people write it.
std::optional<std::string> ParseAddress(v1::FieldDisplay display, const std::string& text);

// Lower-case hex digits, and back.
std::string HexText(std::string_view bytes);
std::optional<std::string> ParseHex(std::string_view text);

}  // namespace kchan

#endif  // KCHAN_CLIENTS_CPP_SRC_ADDRESS_H_
