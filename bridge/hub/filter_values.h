// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_FILTER_VALUES_H_
#define KCHAN_BRIDGE_HUB_FILTER_VALUES_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/hub/filter_program.h"
#include "bridge/hub/filter_syntax.h"
#include "bridge/hub/schema.h"

// What a value that was written means to a field, by the field's kind and by
// how it is shown. All make tests without a place. INVALID_ARGUMENT says why the
// field cannot be compared so, without its name: "takes ..".
namespace kchan::hub {

absl::StatusOr<FilterTest> TestOf(const Field& field, FilterOperator op, const FilterValue& value);

// Whether the field, as a whole, is one address.
bool IsAddress(const Field& field);

// Of characters, or of any bytes that `text` stands for.
absl::StatusOr<FilterTest> TextTest(FilterOperator op, const FilterValue& value,
                                    std::string_view text);

// Of an integer or a bool.
absl::StatusOr<FilterTest> NumberTest(const Field& field, FilterOperator op,
                                      const FilterValue& value);

absl::Status CannotCompare(std::string_view why, const FilterValue& value);

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_FILTER_VALUES_H_
