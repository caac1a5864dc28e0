// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_UNIT_HUB_MASK_TESTING_H_
#define KCHAN_TESTS_UNIT_HUB_MASK_TESTING_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bridge/hub/field_mask.h"
#include "bridge/hub/schema.h"

namespace kchan::hub::testing {

// The fields of a payload that it holds, by their path, as hexadecimal digits:
// "peers[1].port" -> "0035". Each element of an array is one. Written from what
// kchan.v1.Schema says, without the hub's own code.
std::map<std::string, std::string> Decoded(const Schema& schema, const RecordType& type,
                                           std::string_view payload);

// Whether a cut payload says the same as the whole one of each field that is left.
// A payload that is shorter than its type keeps this of the fixed part only.
bool SaysTheSame(const Schema& whole, const CompiledMask& mask, uint32_t type,
                 std::string_view payload);

// How it is cut.
std::string Cut(const CompiledMask& mask, uint32_t type, std::string_view payload);

// "a u32 4+4, b struct 8+6 of 3 (x u8 0+1, ..)": name, kind's number, place.
std::string LayoutText(const RecordType& type);

}  // namespace kchan::hub::testing

#endif  // KCHAN_TESTS_UNIT_HUB_MASK_TESTING_H_
