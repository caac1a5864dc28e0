// SPDX-License-Identifier: Apache-2.0
// AIP-160's grammar:
//
//   expression: sequence {"AND" sequence}
//   sequence:   factor {factor}
//   factor:     term {"OR" term}
//   term:       ["NOT" | "-"] ("(" expression ")" | path operator value)
//
// so OR binds tighter than AND, and AND may be left out.
#include <utility>

#include "bridge/hub/filter_scanner.h"
#include "bridge/hub/filter_syntax.h"
#include "bridge/text/concat.h"

namespace kchan::hub {
namespace {

// Thread safety: none.
class Parser {
 public:
  explicit Parser(std::string_view text) : scanner_(text) {}

  absl::StatusOr<FilterSyntax> Parse() {
    absl::StatusOr<FilterNode> root = Expression();
    if (!root.ok()) return root.status();
    if (!scanner_.AtEnd()) return scanner_.Expected("AND, OR or another comparison");
    syntax_.root = *std::move(root);
    return std::move(syntax_);
  }

 private:
  absl::StatusOr<FilterNode> Expression() {
    std::vector<FilterNode> parts;
    do {
      absl::StatusOr<FilterNode> factor = Factor();
      if (!factor.ok()) return factor;
      parts.push_back(*std::move(factor));
    } while (scanner_.TakeKeyword("AND") || scanner_.AtCondition());
    return Join(FilterNode::Kind::kAnd, std::move(parts));
  }

  absl::StatusOr<FilterNode> Factor() {
    std::vector<FilterNode> parts;
    do {
      absl::StatusOr<FilterNode> term = Term();
      if (!term.ok()) return term;
      parts.push_back(*std::move(term));
    } while (scanner_.TakeKeyword("OR"));
    return Join(FilterNode::Kind::kOr, std::move(parts));
  }

  absl::StatusOr<FilterNode> Term() {
    if (!scanner_.TakeKeyword("NOT") && !scanner_.Take('-')) return Simple();
    absl::StatusOr<FilterNode> negated = Simple();
    if (!negated.ok()) return negated;
    FilterNode node{.kind = FilterNode::Kind::kNot};
    node.parts.push_back(*std::move(negated));
    return node;
  }

  absl::StatusOr<FilterNode> Simple() {
    const size_t column = scanner_.Column();
    if (!scanner_.Take('(')) return Comparison();
    if (++depth_ > kMaxFilterDepth) {
      return FilterError(column,
                         text::Concat("parentheses are more than ", kMaxFilterDepth, " deep"));
    }
    absl::StatusOr<FilterNode> inner = Expression();
    if (!inner.ok()) return inner;
    if (!scanner_.Take(')')) return scanner_.Expected("AND, OR, another comparison or `)`");
    --depth_;
    return inner;
  }

  absl::StatusOr<FilterNode> Comparison() {
    FilterTerm term;
    term.column = scanner_.Column();
    const std::string_view path = scanner_.TakePath();
    if (path.empty()) return scanner_.Expected("a field, NOT or `(`");
    if (absl::Status status = Split(path, term); !status.ok()) return status;
    const auto op = scanner_.TakeOperator();
    if (!op) {
      return scanner_.Expected(
          text::Concat("one of = != < <= > >= : behind `", PathText(term), "`"));
    }
    term.op = *op;
    absl::StatusOr<FilterValue> value = scanner_.TakeValue(*op);
    if (!value.ok()) return value.status();
    term.value = *std::move(value);
    if (syntax_.terms.size() == kMaxFilterTerms) {
      return FilterError(term.column, text::Concat("more than ", kMaxFilterTerms, " comparisons"));
    }
    syntax_.terms.push_back(std::move(term));
    return FilterNode{.kind = FilterNode::Kind::kTerm, .term = syntax_.terms.size() - 1};
  }

  static absl::Status Split(std::string_view path, FilterTerm& term) {
    constexpr size_t kMaxPartBytes = 64;  // no field's name is so long
    for (;;) {
      const size_t dot = path.find('.');
      const std::string_view part = path.substr(0, dot);
      if (part.empty()) return FilterError(term.column, "a field's name is missing beside a `.`");
      if (part.size() > kMaxPartBytes) return FilterError(term.column, "no field has such a name");
      term.path.emplace_back(part);
      if (dot == std::string_view::npos) return absl::OkStatus();
      path.remove_prefix(dot + 1);
    }
  }

  static FilterNode Join(FilterNode::Kind kind, std::vector<FilterNode> parts) {
    if (parts.size() == 1) return std::move(parts.front());
    return {.kind = kind, .parts = std::move(parts)};
  }

  FilterScanner scanner_;
  FilterSyntax syntax_;
  size_t depth_ = 0;
};

}  // namespace

std::string_view OperatorText(FilterOperator op) {
  static constexpr std::string_view kTexts[] = {"=", "!=", "<", "<=", ">", ">=", ":"};
  return kTexts[static_cast<size_t>(op)];
}

std::string PathText(const FilterTerm& term) {
  std::string text;
  for (const std::string& part : term.path) text += text::Concat(text.empty() ? "" : ".", part);
  return text;
}

absl::Status FilterError(size_t column, std::string_view problem) {
  return absl::InvalidArgumentError(text::Concat("column ", column, ": ", problem));
}

absl::StatusOr<FilterSyntax> ParseFilter(std::string_view text) {
  if (text.size() > kMaxFilterBytes) {
    return absl::InvalidArgumentError(
        text::Concat("is ", text.size(), " bytes long; at most ", kMaxFilterBytes, " are allowed"));
  }
  return Parser(text).Parse();
}

}  // namespace kchan::hub
