// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/value_messages.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <utility>
#include <variant>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "bridge/rpc/channel_lookup.h"
#include "bridge/rpc/duration.h"
#include "bridge/rpc/status.h"
#include "bridge/text/utf8.h"
#include "kchan/v1/schema.pb.h"

namespace kchan::rpc {
namespace {

using std::chrono::nanoseconds;

constexpr int kMaxChannels = 256;
constexpr nanoseconds kMinSample = std::chrono::milliseconds(10);
constexpr nanoseconds kMaxSample = std::chrono::hours(1);
constexpr size_t kMaxAuditedText = 64;

absl::Status NoSuchWord(const std::string& channel, const std::string& word,
                        const std::vector<hub::Field>& words) {
  std::string known;
  for (const hub::Field& field : words) {
    absl::StrAppend(&known, known.empty() ? "" : ", ", field.name);
  }
  return WithReason(absl::NotFoundError(absl::StrCat("channel '", channel, "' has no word '", word,
                                                     "'; it has: ", known)),
                    "NO_SUCH_WORD");
}

// The word's kind in the schema; UNSPECIFIED if the channel has no schema.
absl::StatusOr<v1::FieldKind> KindOf(const std::string& word, const hub::Channel& channel) {
  if (word.empty()) return BadField("word", "is needed");
  const auto schema = channel.snapshot().schema;
  if (schema == nullptr || schema->types.empty()) return v1::FIELD_KIND_UNSPECIFIED;
  const std::vector<hub::Field>& words = schema->types.front().fields;
  const auto found = std::find_if(words.begin(), words.end(),
                                  [&](const hub::Field& field) { return field.name == word; });
  if (found == words.end()) return NoSuchWord(channel.name(), word, words);
  return static_cast<v1::FieldKind>(found->kind);
}

absl::StatusOr<hub::Value> Unsigned(const v1::Value& value, absl::string_view field) {
  if (value.has_unsigned_value()) return hub::Value(value.unsigned_value());
  if (value.has_signed_value() && value.signed_value() >= 0) {
    return hub::Value(static_cast<uint64_t>(value.signed_value()));
  }
  return BadField(field, absl::StrCat("the word holds a number of 0 to ",
                                      std::numeric_limits<uint64_t>::max()));
}

absl::StatusOr<hub::Value> Signed(const v1::Value& value, absl::string_view field) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  if (value.has_signed_value()) return hub::Value(value.signed_value());
  if (value.has_unsigned_value() && value.unsigned_value() <= uint64_t{kMax}) {
    return hub::Value(static_cast<int64_t>(value.unsigned_value()));
  }
  return BadField(field, absl::StrCat("the word holds a number of ", kMin, " to ", kMax));
}

bool IsText(v1::FieldKind kind) {
  return kind == v1::FIELD_KIND_STRING || kind == v1::FIELD_KIND_STRING_LOC ||
         kind == v1::FIELD_KIND_STRING_REST;
}

// `value` as a word of `kind` holds it.
absl::StatusOr<hub::Value> Fit(const v1::Value& value, v1::FieldKind kind,
                               absl::string_view field) {
  if (value.kind_case() == v1::Value::KIND_NOT_SET) return BadField(field, "is needed");
  if (kind == v1::FIELD_KIND_U64) return Unsigned(value, field);
  if (kind == v1::FIELD_KIND_S64) return Signed(value, field);
  if (value.has_text_value()) return hub::Value(value.text_value());
  if (IsText(kind)) return BadField(field, "the word holds text");
  return value.has_signed_value() ? hub::Value(value.signed_value())
                                  : hub::Value(value.unsigned_value());
}

}  // namespace

v1::Value ToProto(const hub::Value& value) {
  v1::Value to;
  if (const auto* number = std::get_if<uint64_t>(&value)) {
    to.set_unsigned_value(*number);
  } else if (const auto* signed_number = std::get_if<int64_t>(&value)) {
    to.set_signed_value(*signed_number);
  } else {
    to.set_text_value(text::ToUtf8(std::get<std::string>(value)));
  }
  return to;
}

v1::Values ToProto(const hub::ValueSnapshot& snapshot) {
  v1::Values to;
  to.set_version(snapshot.version);
  to.set_boottime_ns(snapshot.boottime_ns);
  to.set_generation(snapshot.generation);
  for (const hub::Word& from : snapshot.words) {
    v1::Word& word = *to.add_words();
    word.set_name(from.name);
    *word.mutable_value() = ToProto(from.value);
  }
  return to;
}

v1::WatchValuesResponse::Update ToProto(const std::string& channel, const hub::ValueUpdate& update,
                                        bool is_heartbeat) {
  v1::WatchValuesResponse::Update to;
  to.set_channel(channel);
  if (update.snapshot) *to.mutable_values() = ToProto(*update.snapshot);
  to.set_duplicates(update.duplicates);
  to.set_heartbeat(is_heartbeat);
  to.set_stale(update.stale);
  return to;
}

absl::StatusOr<hub::ValueChange> FromProto(const v1::SetValueRequest& request,
                                           const hub::Channel& channel) {
  const auto kind = KindOf(request.word(), channel);
  if (!kind.ok()) return kind.status();
  auto value = Fit(request.value(), *kind, "value");
  if (!value.ok()) return value.status();
  return hub::ValueChange{.operation = hub::ValueChange::Operation::kSet,
                          .word = request.word(),
                          .operand = *std::move(value)};
}

absl::StatusOr<hub::ValueChange> FromProto(const v1::AddValueRequest& request,
                                           const hub::Channel& channel) {
  if (const auto kind = KindOf(request.word(), channel); !kind.ok()) return kind.status();
  return hub::ValueChange{.operation = hub::ValueChange::Operation::kAdd,
                          .word = request.word(),
                          .operand = int64_t{request.delta()}};
}

absl::StatusOr<hub::ValueChange> FromProto(const v1::CompareAndSwapValueRequest& request,
                                           const hub::Channel& channel) {
  const auto kind = KindOf(request.word(), channel);
  if (!kind.ok()) return kind.status();
  auto expected = Fit(request.expected(), *kind, "expected");
  if (!expected.ok()) return expected.status();
  auto value = Fit(request.value(), *kind, "value");
  if (!value.ok()) return value.status();
  return hub::ValueChange{.operation = hub::ValueChange::Operation::kCompareAndSwap,
                          .word = request.word(),
                          .operand = *std::move(value),
                          .expected = *std::move(expected)};
}

absl::StatusOr<ValueWatchRequest> FromProto(const v1::WatchValuesRequest& request,
                                            const hub::Hub& hub) {
  if (request.channels().empty()) return BadField("channels", "at least one is needed");
  if (request.channels_size() > kMaxChannels) {
    return BadField("channels", absl::StrCat("at most ", kMaxChannels, " are allowed"));
  }
  ValueWatchRequest to;
  std::set<std::string> names;
  for (int i = 0; i < request.channels_size(); ++i) {
    auto channel = FindValues(hub, request.channels(i));
    if (!channel.ok()) return channel.status();
    if (!names.insert(request.channels(i)).second) {
      return BadField(absl::StrCat("channels[", i, "]"), "is named twice");
    }
    to.channels.push_back(*std::move(channel));
  }
  if (request.has_sample_interval()) {
    const auto interval = FromProto(request.sample_interval(), "sample_interval", kMinSample,
                                    kMaxSample, "must be 10 ms to 1 h");
    if (!interval.ok()) return interval.status();
    to.sample_interval = *interval;
  }
  if (request.has_heartbeat_interval()) {
    const auto interval = HeartbeatFromProto(request.heartbeat_interval());
    if (!interval.ok()) return interval.status();
    to.heartbeat_interval = *interval;
  }
  to.suppress_redundant = request.suppress_redundant();
  return to;
}

std::string Describe(const hub::Value& value) {
  if (const auto* number = std::get_if<uint64_t>(&value)) return absl::StrCat(*number);
  if (const auto* number = std::get_if<int64_t>(&value)) return absl::StrCat(*number);
  const auto& text = std::get<std::string>(value);
  return absl::StrCat("\"", absl::CEscape(text.substr(0, kMaxAuditedText)),
                      text.size() > kMaxAuditedText ? "..." : "", "\"");
}

std::string Describe(const hub::ValueChange& change) {
  const std::string word = absl::CEscape(change.word);
  switch (change.operation) {
    case hub::ValueChange::Operation::kAdd:
      return absl::StrCat(word, " += ", Describe(change.operand));
    case hub::ValueChange::Operation::kCompareAndSwap:
      return absl::StrCat(word, " = ", Describe(change.operand), " if ", Describe(change.expected));
    case hub::ValueChange::Operation::kSet:
      break;
  }
  return absl::StrCat(word, " = ", Describe(change.operand));
}

}  // namespace kchan::rpc
