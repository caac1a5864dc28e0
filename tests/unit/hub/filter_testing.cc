// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/hub/filter_testing.h"

#include <algorithm>
#include <span>
#include <utility>

#include "bridge/hub/filter_program.h"
#include "bridge/hub/filter_values.h"

namespace kchan::hub::testing {
namespace {

std::string Quoted(const FilterValue& value) {
  std::string text = value.open_start ? "\"*" : "\"";
  for (const char c : value.text) {
    if (c == '"' || c == '\\' || c == '*') text += '\\';
    text += c;
  }
  return text + (value.open_end ? "*\"" : "\"");
}

std::string NodeText(const FilterSyntax& syntax, const FilterNode& node) {
  if (node.kind == FilterNode::Kind::kTerm) {
    const FilterTerm& term = syntax.terms[node.term];
    return PathText(term) + " " + std::string(OperatorText(term.op)) + " " + Quoted(term.value);
  }
  if (node.kind == FilterNode::Kind::kNot) {
    return "NOT (" + NodeText(syntax, node.parts[0]) + ")";
  }
  std::string text;
  for (const FilterNode& part : node.parts) {
    if (!text.empty()) text += node.kind == FilterNode::Kind::kAnd ? " AND " : " OR ";
    const bool is_term = part.kind == FilterNode::Kind::kTerm;
    text += is_term ? NodeText(syntax, part) : "(" + NodeText(syntax, part) + ")";
  }
  return text;
}

// True, false, or neither.
using Logic = std::optional<bool>;

Logic Not(Logic value) { return value ? Logic(!*value) : value; }

// The one comparison of `term` with what is at one place, by the program's own
// test: the tests of single fields hold that one to the documentation.
Logic CompareAt(const Field& field, bool is_big_endian, const FilterTerm& term,
                const RecordView& record, uint64_t offset) {
  auto test = TestOf(field, term.op, term.value);
  if (!test.ok()) return std::nullopt;
  const auto kind = static_cast<FieldKind>(field.kind);
  FieldPlace& place = test->place;
  place.offset = offset;
  place.is_big_endian = is_big_endian;
  place.ends_at_nul = IsString(kind);
  place.is_signed = IsSigned(kind);
  place.bytes = field.size_bytes;
  place.source = IsLoc(kind)    ? FieldPlace::Source::kLoc
                 : IsRest(kind) ? FieldPlace::Source::kRest
                                : FieldPlace::Source::kFixed;
  if (IntegerBytes(kind) != 0 && !IsAddress(field)) {
    place.source = FieldPlace::Source::kInteger;
    place.bytes = IntegerBytes(kind);
  }
  if (kind == FieldKind::kStruct) place.bytes = std::min(field.size_bytes, 1u);
  const bool is_presence = test->kind == FilterTest::Kind::kPresent;
  const auto holds = [&](bool is_negated) {
    test->is_negated = is_negated;
    test->if_true = FilterProgram::kAccept;
    test->if_false = FilterProgram::kReject;
    return FilterProgram({*test}, {}, 0).Matches(record);
  };
  // `!=` is the negation of `=`.
  const bool turned = test->is_negated;
  if (holds(turned)) return true;
  if (is_presence || holds(!turned)) return false;
  return std::nullopt;
}

// All places that a path leads to.
void Places(std::span<const Field> fields, std::span<const std::string> path, uint64_t base,
            std::vector<std::pair<const Field*, uint64_t>>& places) {
  for (const Field& field : fields) {
    if (field.name != path[0]) continue;
    const auto kind = static_cast<FieldKind>(field.kind);
    uint32_t element = kind == FieldKind::kStruct ? field.element_bytes : IntegerBytes(kind);
    const bool is_one = kind != FieldKind::kStruct && IsAddress(field);
    if (is_one || element == 0) element = field.size_bytes;
    const uint32_t count = element == 0 ? 1 : std::max(1u, field.size_bytes / element);
    for (uint32_t i = 0; i < count; ++i) {
      const uint64_t at = base + field.offset + uint64_t{i} * element;
      if (path.size() == 1) {
        places.emplace_back(&field, at);
        if (kind == FieldKind::kStruct) break;
      } else if (kind == FieldKind::kStruct) {
        Places(field.members, path.subspan(1), at, places);
      }
    }
  }
}

// A number of the header, as if it were a payload.
Logic HeaderHolds(const FilterTerm& term, const RecordView& record) {
  const std::string& name = term.path.back();
  const uint64_t number = name == "sequence" ? record.sequence
                          : name == "cpu"    ? record.cpu
                                             : record.boottime_ns;
  const RecordView as_payload = {
      .payload = {reinterpret_cast<const char*>(&number), sizeof(number)}};
  return CompareAt(MakeField(name, FieldKind::kU64, 0, 8), false, term, as_payload, 0);
}

// `!=` of an array is that no element is equal.
Logic TermHolds(FilterTerm term, const Schema* schema, const RecordView& record) {
  if (term.op == FilterOperator::kNotEqual) {
    term.op = FilterOperator::kEqual;
    return Not(TermHolds(std::move(term), schema, record));
  }
  if (term.path[0] == "record" && term.path.size() == 2) return HeaderHolds(term, record);
  const bool is_presence = term.op == FilterOperator::kHas && term.value.is_star();
  const RecordType* type = schema == nullptr ? nullptr : schema->FindType(record.type);
  Logic any = is_presence ? Logic(false) : std::nullopt;
  if (type == nullptr) return any;
  std::vector<std::pair<const Field*, uint64_t>> places;
  Places(type->fields, term.path, 0, places);
  for (const auto& [field, at] : places) {
    const Logic one = CompareAt(*field, schema->byte_order == ByteOrder::kBig, term, record, at);
    if (one && (!any || *one)) any = one;
  }
  return any;
}

Logic NodeHolds(const FilterSyntax& syntax, const FilterNode& node, const Schema* schema,
                const RecordView& record) {
  if (node.kind == FilterNode::Kind::kTerm) {
    return TermHolds(syntax.terms[node.term], schema, record);
  }
  if (node.kind == FilterNode::Kind::kNot) {
    return Not(NodeHolds(syntax, node.parts[0], schema, record));
  }
  const bool decides = node.kind == FilterNode::Kind::kOr;
  Logic all = !decides;
  for (const FilterNode& part : node.parts) {
    const Logic one = NodeHolds(syntax, part, schema, record);
    if (one == Logic(decides)) return decides;
    if (!one) all = std::nullopt;
  }
  return all;
}

}  // namespace

std::string CanonicalText(const FilterSyntax& syntax) { return NodeText(syntax, syntax.root); }

Field MakeField(const std::string& name, FieldKind kind, uint32_t offset, uint32_t size_bytes,
                FieldDisplay display) {
  Field field;
  field.name = name;
  field.kind = static_cast<uint32_t>(kind);
  field.display = static_cast<uint32_t>(display);
  field.offset = offset;
  field.size_bytes = size_bytes;
  return field;
}

Field MakeStruct(const std::string& name, uint32_t offset, uint32_t size_bytes,
                 uint32_t element_bytes, std::vector<Field> members) {
  Field field = MakeField(name, FieldKind::kStruct, offset, size_bytes);
  field.element_bytes = element_bytes;
  field.members = std::move(members);
  return field;
}

Schema MakeSchema(std::vector<RecordType> types, ByteOrder order) {
  Schema schema{.byte_order = order, .types = std::move(types)};
  schema.id = SchemaId(schema);
  return schema;
}

bool NaivelyMatches(const FilterSyntax& syntax, const Schema* schema, const RecordView& record) {
  return NodeHolds(syntax, syntax.root, schema, record) == Logic(true);
}

}  // namespace kchan::hub::testing
