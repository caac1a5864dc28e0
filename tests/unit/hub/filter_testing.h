// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_UNIT_HUB_FILTER_TESTING_H_
#define KCHAN_TESTS_UNIT_HUB_FILTER_TESTING_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bridge/hub/element.h"
#include "bridge/hub/field_kind.h"
#include "bridge/hub/filter_syntax.h"
#include "bridge/hub/schema.h"

namespace kchan::hub::testing {

// A filter as a filter that cannot be mistaken: every part in parentheses, every
// value in quotes. Parsed, it gives the same tree.
std::string CanonicalText(const FilterSyntax& syntax);

Field MakeField(const std::string& name, FieldKind kind, uint32_t offset, uint32_t size_bytes,
                FieldDisplay display = FieldDisplay::kUnspecified);
// An array of structures, if it is longer than one.
Field MakeStruct(const std::string& name, uint32_t offset, uint32_t size_bytes,
                 uint32_t element_bytes, std::vector<Field> members);
Schema MakeSchema(std::vector<RecordType> types, ByteOrder order = ByteOrder::kLittle);

// Whether a filter lets a record pass, by walking the tree and the schema for
// each record: slow, and as the documentation says it. Fails nothing; a filter
// that is none lets nothing pass.
bool NaivelyMatches(const FilterSyntax& syntax, const Schema* schema, const RecordView& record);

}  // namespace kchan::hub::testing

#endif  // KCHAN_TESTS_UNIT_HUB_FILTER_TESTING_H_
