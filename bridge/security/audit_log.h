// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SECURITY_AUDIT_LOG_H_
#define KCHAN_BRIDGE_SECURITY_AUDIT_LOG_H_

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace kchan::security {

// One thing that a client did, or was refused. Texts may hold anything.
struct AuditEntry {
  std::string identity = {};
  std::string peer = {};     // its address, as gRPC has it
  std::string method = {};   // "SetValue"
  std::string object = {};   // "channel heater"; empty: none is named yet
  std::string request = {};  // what is to be done with it, in short; empty: the method says it
  bool is_allowed = false;
  std::string rule = {};    // that allowed it; empty: none did
  std::string result = {};  // "OK", "NOT_FOUND", "2 records taken, 1 refused"
};

// Writes the audit: one JSON object a line, each of bounded length. What clients do is
// written always. What they are refused costs them nothing, so of that only
// some lines a second are; how many were withheld stands in the next line, of
// whatever kind, as "withheld", and in one of its own at the end.
//
// Thread safety: any thread.
class AuditLog {
 public:
  using Sink = std::function<void(const std::string& line)>;

  // `sink` is called by one thread at a time and must not block; it may be empty.
  explicit AuditLog(Sink sink, std::function<absl::Time()> now = absl::Now);
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  void Write(const AuditEntry& entry);

  // Of all denials so far, those without a line.
  uint64_t withheld() const;

 private:
  // Whether one more line of a denial may be written.
  bool MayDenyLocked(absl::Time now);
  std::string TakeWithheldLocked();

  const Sink sink_;
  const std::function<absl::Time()> now_;
  mutable std::mutex mutex_;
  double tokens_;          // guarded by mutex_, as all below
  absl::Time filled_;      // tokens_ are of then
  uint64_t withheld_ = 0;  // and not told yet
  uint64_t all_withheld_ = 0;
};

}  // namespace kchan::security

#endif  // KCHAN_BRIDGE_SECURITY_AUDIT_LOG_H_
