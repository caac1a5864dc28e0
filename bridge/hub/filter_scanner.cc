// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/filter_scanner.h"

#include <algorithm>
#include <array>
#include <utility>

#include "bridge/text/concat.h"
#include "bridge/text/hex.h"

namespace kchan::hub {
namespace {

constexpr size_t kMaxQuotedBytes = 40;  // of a filter's text, in a message

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
// Part of a character that takes several bytes.
bool IsWide(char c) { return (static_cast<unsigned char>(c) & 0x80) != 0; }
bool BeginsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

bool IsOfPath(char c) { return IsLetter(c) || IsDigit(c) || c == '_' || c == '.' || IsWide(c); }
bool IsOfValue(char c) {
  return IsOfPath(c) || std::string_view("-+:/|*%@#&~^[]{}?;$").find(c) != std::string_view::npos;
}

// Whole characters of at most kMaxQuotedBytes.
std::string Shortened(std::string_view text) {
  if (text.size() <= kMaxQuotedBytes) return std::string(text);
  size_t end = kMaxQuotedBytes;
  while (end > 0 && !BeginsCharacter(text[end])) --end;
  return text::Concat(text.substr(0, end), "..");
}

bool IsKeyword(std::string_view word) { return word == "AND" || word == "OR" || word == "NOT"; }

}  // namespace

void FilterScanner::SkipSpace() {
  while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
}

bool FilterScanner::AtEnd() {
  SkipSpace();
  return at_ == text_.size();
}

size_t FilterScanner::ColumnAt(size_t at) const {
  const std::string_view before = text_.substr(0, at);
  return 1 + static_cast<size_t>(std::count_if(before.begin(), before.end(), BeginsCharacter));
}

size_t FilterScanner::Column() {
  SkipSpace();
  return ColumnAt(at_);
}

std::string_view FilterScanner::PeekWord() {
  SkipSpace();
  size_t end = at_;
  while (end < text_.size() && IsOfPath(text_[end])) ++end;
  return text_.substr(at_, end - at_);
}

bool FilterScanner::Take(char c) {
  if (AtEnd() || text_[at_] != c) return false;
  ++at_;
  return true;
}

bool FilterScanner::TakeKeyword(std::string_view keyword) {
  if (PeekWord() != keyword) return false;
  at_ += keyword.size();
  return true;
}

std::optional<FilterOperator> FilterScanner::TakeOperator() {
  // The longer ones first.
  static constexpr std::array kOperators = {
      FilterOperator::kAtMost, FilterOperator::kAtLeast, FilterOperator::kNotEqual,
      FilterOperator::kEqual,  FilterOperator::kLess,    FilterOperator::kGreater,
      FilterOperator::kHas,
  };
  SkipSpace();
  for (const FilterOperator op : kOperators) {
    if (!text_.substr(at_).starts_with(OperatorText(op))) continue;
    at_ += OperatorText(op).size();
    return op;
  }
  return std::nullopt;
}

std::string_view FilterScanner::TakePath() {
  const std::string_view word = PeekWord();
  if (IsKeyword(word)) return {};
  at_ += word.size();
  return word;
}

bool FilterScanner::AtCondition() {
  if (AtEnd()) return false;
  const std::string_view word = PeekWord();
  if (!word.empty()) return word != "AND" && word != "OR";
  return text_[at_] == '(' || text_[at_] == '-';
}

std::string FilterScanner::Next() {
  if (AtEnd()) return "the end";
  const std::string_view word = PeekWord();
  if (!word.empty()) return text::Concat("`", Shortened(word), "`");
  const auto c = static_cast<unsigned char>(text_[at_]);
  if (c < ' ' || c == 0x7f) return "a control character";
  return text::Concat("`", text_.substr(at_, 1), "`");
}

absl::Status FilterScanner::Expected(std::string_view what) {
  const size_t column = Column();
  return FilterError(column, text::Concat("expected ", what, ", found ", Next()));
}

absl::StatusOr<FilterValue> FilterScanner::TakeValue(FilterOperator op) {
  FilterValue value;
  value.column = Column();
  const size_t start = at_;
  const bool is_quoted = at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'');
  const absl::Status status = is_quoted ? TakeQuoted(value) : TakeUnquoted(op, value);
  if (!status.ok()) return status;
  value.source = Shortened(text_.substr(start, at_ - start));
  return value;
}

absl::Status FilterScanner::TakeUnquoted(FilterOperator op, FilterValue& value) {
  if (IsKeyword(PeekWord())) {
    return Expected(
        text::Concat("a value behind `", OperatorText(op), "`, where such a word is quoted"));
  }
  const size_t start = at_;
  while (at_ < text_.size() && IsOfValue(text_[at_])) ++at_;
  if (at_ == start) return Expected(text::Concat("a value behind `", OperatorText(op), "`"));
  for (size_t i = start; i < at_; ++i) {
    if (text_[i] != '*') {
      value.text += text_[i];
    } else if (absl::Status status = AddStar(i, i + 1 == at_, value); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status FilterScanner::TakeQuoted(FilterValue& value) {
  const size_t start = at_;
  const char quote = text_[at_++];
  while (at_ < text_.size() && text_[at_] != quote) {
    const char c = text_[at_];
    if (c == '\\') {
      const absl::StatusOr<char> escaped = TakeEscaped();
      if (!escaped.ok()) return escaped.status();
      value.text += *escaped;
      continue;
    }
    ++at_;
    if (c != '*') {
      value.text += c;
      continue;
    }
    const bool is_last = at_ < text_.size() && text_[at_] == quote;
    if (absl::Status status = AddStar(at_ - 1, is_last, value); !status.ok()) return status;
  }
  if (at_ == text_.size()) {
    return FilterError(ColumnAt(start), text::Concat("the ", std::string_view(&quote, 1),
                                                     " that begins here has no end"));
  }
  ++at_;
  return absl::OkStatus();
}

absl::Status FilterScanner::AddStar(size_t at, bool is_last, FilterValue& value) {
  if (value.text.empty() && !value.open_start) {
    value.open_start = true;
    return absl::OkStatus();
  }
  if (is_last && !value.open_end) {
    value.open_end = true;
    return absl::OkStatus();
  }
  return FilterError(ColumnAt(at),
                     "a `*` stands for any text only at a value's start or end; as a character "
                     "it is written \"\\*\"");
}

// Takes an escape and the backslash in front of it.
absl::StatusOr<char> FilterScanner::TakeEscaped() {
  static constexpr std::string_view kWritten = "\"'\\*ntr";
  static constexpr std::string_view kMeant = "\"'\\*\n\t\r";
  const size_t start = at_++;
  const char c = at_ < text_.size() ? text_[at_++] : '\0';
  if (const size_t known = kWritten.find(c); c != '\0' && known != std::string_view::npos) {
    return kMeant[known];
  }
  if (const int byte = c == 'x' ? text::HexByte(text_.substr(at_)) : -1; byte >= 0) {
    at_ += 2;
    return static_cast<char>(byte);
  }
  return FilterError(ColumnAt(start),
                     "expected an escape: \\\" \\' \\\\ \\* \\n \\t \\r or \\x and two digits");
}

}  // namespace kchan::hub
