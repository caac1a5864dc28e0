// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/filter_compile.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

#include "absl/status/statusor.h"
#include "bridge/hub/field_kind.h"
#include "bridge/hub/filter_values.h"
#include "bridge/hub/schema_lookup.h"

namespace kchan::hub {
namespace {

using Label = FilterProgram::Label;
using Source = FieldPlace::Source;

constexpr std::string_view kHeader = "record";

// What a comparison is in one record type: nothing that holds either way, known
// beforehand, or a test.
struct Incomparable {};
using Comparison = std::variant<Incomparable, bool, FilterTest>;

// A field that a path leads to, and where that is.
struct Found {
  const Field* field = nullptr;  // null: nowhere
  FieldPlace place = {};
};

void AddArray(const Field& field, uint32_t element_bytes, FieldPlace& place) {
  if (element_bytes == 0 || field.size_bytes <= element_bytes) return;
  place.arrays.push_back(
      {.count = field.size_bytes / element_bytes, .element_bytes = element_bytes});
}

Found FindPath(std::span<const Field> fields, const std::vector<std::string>& path) {
  Found found;
  for (size_t i = 0; i < path.size(); ++i) {
    const Field* field = FindField(fields, path[i]);
    if (field == nullptr) return {};
    found.field = field;
    found.place.offset += field->offset;
    if (i + 1 == path.size()) break;
    if (static_cast<FieldKind>(field->kind) != FieldKind::kStruct) return {};
    AddArray(*field, field->element_bytes, found.place);
    fields = field->members;
  }
  return found;
}

void SetSource(const Field& field, bool is_big_endian, FieldPlace& place) {
  const auto kind = static_cast<FieldKind>(field.kind);
  place.is_big_endian = is_big_endian;
  place.bytes = field.size_bytes;
  place.ends_at_nul = IsString(kind);
  if (IsLoc(kind)) {
    place.source = Source::kLoc;
  } else if (IsRest(kind)) {
    place.source = Source::kRest;
  } else if (const uint32_t bytes = IntegerBytes(kind); bytes != 0 && !IsAddress(field)) {
    place.source = Source::kInteger;
    place.is_signed = IsSigned(kind);
    place.bytes = bytes;
    AddArray(field, bytes, place);
  } else if (kind == FieldKind::kStruct) {
    // It is there if its first element begins.
    place.bytes = std::min<uint32_t>(field.size_bytes, 1);
  }
}

struct HeaderField {
  std::string_view name;
  FieldKind kind;
  std::string_view unit;
  Source source;
};
constexpr std::array kHeaderFields = {
    HeaderField{"sequence", FieldKind::kU64, "", Source::kSequence},
    HeaderField{"cpu", FieldKind::kU32, "", Source::kCpu},
    HeaderField{"boottime_ns", FieldKind::kU64, "ns", Source::kBoottime},
};

const HeaderField* FindHeaderField(std::string_view name) {
  for (const HeaderField& each : kHeaderFields) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

absl::StatusOr<FilterTest> HeaderTest(const HeaderField& header, const FilterTerm& term) {
  Field field;
  field.kind = static_cast<uint32_t>(header.kind);
  field.unit = header.unit;
  return TestOf(field, term.op, term.value);
}

class Compiler {
 public:
  Compiler(const FilterSyntax& syntax, const Schema* schema)
      : syntax_(syntax), schema_(schema), outcomes_(syntax.terms.size()) {}

  CompiledFilter Compile() {
    std::vector<std::pair<uint32_t, Label>> entries;
    if (schema_ != nullptr) {
      for (const RecordType& type : schema_->types)
        entries.emplace_back(type.id, CompileFor(&type));
    }
    std::sort(entries.begin(), entries.end());
    const Label other = CompileFor(nullptr);
    return {.program = FilterProgram(std::move(tests_), std::move(entries), other),
            .terms = std::move(outcomes_)};
  }

 private:
  // Null: a type that the schema does not have.
  Label CompileFor(const RecordType* type) {
    comparisons_.clear();
    for (size_t i = 0; i < syntax_.terms.size(); ++i) {
      comparisons_.push_back(Compare(syntax_.terms[i], type, outcomes_[i]));
    }
    return Emit(syntax_.root, /*is_negated=*/false, FilterProgram::kAccept, FilterProgram::kReject);
  }

  Comparison Compare(const FilterTerm& term, const RecordType* type, TermOutcome& outcome) {
    if (term.path.size() == 2 && term.path[0] == kHeader) {
      if (term.path[1] == "type") return CompareTypeName(term, type, outcome);
      if (const HeaderField* header = FindHeaderField(term.path[1])) {
        return Made(HeaderTest(*header, term), {.source = header->source}, /*counts=*/true,
                    outcome);
      }
    }
    Found found = type == nullptr ? Found() : FindPath(type->fields, term.path);
    if (found.field == nullptr) return Missing(term);
    SetSource(*found.field, schema_->byte_order == ByteOrder::kBig, found.place);
    return Made(TestOf(*found.field, term.op, term.value), std::move(found.place),
                type->direction != Direction::kToKernel, outcome);
  }

  // Whether it is there is known where it is not.
  static Comparison Missing(const FilterTerm& term) {
    if (term.op == FilterOperator::kHas && term.value.is_star()) return false;
    return Incomparable();
  }

  static Comparison Made(absl::StatusOr<FilterTest> test, FieldPlace place, bool counts,
                         TermOutcome& outcome) {
    outcome.has_field |= counts;
    if (!test.ok()) {
      if (outcome.problem.empty()) outcome.problem = std::string(test.status().message());
      return Incomparable();
    }
    outcome.fits |= counts;
    test->place = std::move(place);
    return *std::move(test);
  }

  // Known for each type. A name that no type has is a value that does not fit.
  static Comparison CompareTypeName(const FilterTerm& term, const RecordType* type,
                                    TermOutcome& outcome) {
    const bool is_presence = term.op == FilterOperator::kHas && term.value.is_star();
    outcome.has_field = true;
    if (type == nullptr) return Missing(term);
    if (is_presence) {
      outcome.fits = true;
      return true;
    }
    absl::StatusOr<FilterTest> test = TextTest(term.op, term.value, term.value.text);
    if (!test.ok()) {
      outcome.problem = std::string(test.status().message());
      return Incomparable();
    }
    // The test as a whole program, on the name in place of a payload.
    const bool is_name = test->kind == FilterTest::Kind::kEquals;
    const bool is_negated = std::exchange(test->is_negated, false);
    test->place.source = Source::kRest;
    test->if_true = FilterProgram::kAccept;
    test->if_false = FilterProgram::kReject;
    const FilterProgram program({*std::move(test)}, {}, 0);
    const bool holds = program.Matches({.payload = type->name});
    if (type->direction != Direction::kToKernel && (holds || !is_name)) outcome.fits = true;
    if (!outcome.fits)
      outcome.problem = "takes the name of a record type, not " + term.value.source;
    return holds != is_negated;
  }

  // Appends tests that end at one of the labels; returns where they begin. From
  // the last to the first, so that each knows where to go on. Negations are
  // pushed down to the comparisons, where they leave out what is not there.
  Label Emit(const FilterNode& node, bool is_negated, Label if_true, Label if_false) {
    switch (node.kind) {
      case FilterNode::Kind::kTerm:
        return EmitTerm(comparisons_[node.term], is_negated, if_true, if_false);
      case FilterNode::Kind::kNot:
        return Emit(node.parts.front(), !is_negated, if_true, if_false);
      default:
        break;
    }
    const bool needs_all = (node.kind == FilterNode::Kind::kAnd) != is_negated;
    Label next = needs_all ? if_true : if_false;
    for (auto part = node.parts.rbegin(); part != node.parts.rend(); ++part) {
      next = needs_all ? Emit(*part, is_negated, next, if_false)
                       : Emit(*part, is_negated, if_true, next);
    }
    return next;
  }

  Label EmitTerm(const Comparison& comparison, bool is_negated, Label if_true, Label if_false) {
    if (const auto* known = std::get_if<bool>(&comparison)) {
      return *known != is_negated ? if_true : if_false;
    }
    const auto* test = std::get_if<FilterTest>(&comparison);
    if (test == nullptr) return if_false;
    tests_.push_back(*test);
    tests_.back().is_negated = test->is_negated != is_negated;
    tests_.back().if_true = if_true;
    tests_.back().if_false = if_false;
    return static_cast<Label>(tests_.size() - 1);
  }

  const FilterSyntax& syntax_;
  const Schema* const schema_;
  std::vector<TermOutcome> outcomes_;
  std::vector<Comparison> comparisons_;  // of the type at hand, by term
  std::vector<FilterTest> tests_;
};

}  // namespace

CompiledFilter CompileFilter(const FilterSyntax& syntax, const Schema* schema) {
  return Compiler(syntax, schema).Compile();
}

}  // namespace kchan::hub
