// SPDX-License-Identifier: Apache-2.0
#include "bridge/security/audit_log.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bridge/text/utf8.h"

namespace kchan::security {
namespace {

constexpr double kDenialsAtOnce = 100;
constexpr double kDenialsPerSecond = 10;

constexpr size_t kMaxTextBytes = 512;

std::string Quoted(std::string_view text) {
  const bool is_cut = text.size() > kMaxTextBytes;
  std::string to = "\"";
  // What is cut in the middle of a character is no character.
  for (const char c : text::ToUtf8(text.substr(0, kMaxTextBytes))) {
    if (c == '"' || c == '\\') {
      to += '\\';
      to += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      absl::StrAppendFormat(&to, "\\u%04x", static_cast<unsigned char>(c));
    } else {
      to += c;
    }
  }
  return absl::StrCat(to, is_cut ? "...\"" : "\"");
}

std::string Begin(absl::Time now) {
  return absl::StrCat(R"({"type":"audit","time":)",
                      Quoted(absl::FormatTime("%Y-%m-%d%ET%H:%M:%E6SZ", now, absl::UTCTimeZone())));
}

}  // namespace

AuditLog::AuditLog(Sink sink, std::function<absl::Time()> now)
    : sink_(std::move(sink)), now_(std::move(now)), tokens_(kDenialsAtOnce), filled_(now_()) {}

AuditLog::~AuditLog() {
  const std::lock_guard lock(mutex_);
  if (sink_ && withheld_ > 0) sink_(absl::StrCat(Begin(now_()), TakeWithheldLocked(), "}"));
}

void AuditLog::Write(const AuditEntry& entry) {
  if (!sink_) return;
  const std::lock_guard lock(mutex_);
  const absl::Time now = now_();
  if (!entry.is_allowed && !MayDenyLocked(now)) {
    ++withheld_;
    ++all_withheld_;
    return;
  }
  sink_(absl::StrCat(Begin(now), R"(,"identity":)", Quoted(entry.identity), R"(,"peer":)",
                     Quoted(entry.peer), R"(,"method":)", Quoted(entry.method), R"(,"object":)",
                     Quoted(entry.object), R"(,"request":)", Quoted(entry.request),
                     R"(,"decision":)", entry.is_allowed ? R"("allowed")" : R"("denied")",
                     R"(,"rule":)", Quoted(entry.rule), R"(,"result":)", Quoted(entry.result),
                     TakeWithheldLocked(), "}"));
}

uint64_t AuditLog::withheld() const {
  const std::lock_guard lock(mutex_);
  return all_withheld_;
}

bool AuditLog::MayDenyLocked(absl::Time now) {
  // A clock that was set back gives nothing, and takes nothing.
  const double seconds = std::max(0.0, absl::ToDoubleSeconds(now - filled_));
  tokens_ = std::min(kDenialsAtOnce, tokens_ + seconds * kDenialsPerSecond);
  filled_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

std::string AuditLog::TakeWithheldLocked() {
  const uint64_t withheld = std::exchange(withheld_, 0);
  return withheld == 0 ? "" : absl::StrCat(R"(,"withheld":)", withheld);
}

}  // namespace kchan::security
