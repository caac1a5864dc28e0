// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_KERNEL_TEXT_H_
#define KCHAN_BRIDGE_SOURCE_KERNEL_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "bridge/hub/schema.h"
#include "bridge/netlink/netlink_attributes.h"

// The UAPI's numbers and strings as the hub wants them. An enumerator that is
// not known becomes "number N": a later minor ABI may bring it.
namespace kchan::source {

std::string TransportName(uint32_t transport);
std::string LayoutName(uint32_t layout);
std::string PolicyName(uint32_t policy);
std::string ContextName(uint32_t context);
hub::Direction DirectionOf(uint32_t bits);

// A string for people to read, made Printable().
absl::Status GetText(const netlink::AttributeView& attribute, size_t max_bytes, std::string* text);

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_KERNEL_TEXT_H_
