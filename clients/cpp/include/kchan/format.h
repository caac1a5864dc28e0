// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_FORMAT_H_
#define KCHAN_FORMAT_H_

#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "kchan/batch.h"
#include "kchan/clock.h"
#include "kchan/schema.h"

namespace kchan {

// All functions here append to *out and read untrusted payloads: what a payload
// is too short for is shown as absent. They are safe from any thread.

// ---- For people ----------------------------------------------------------

// "pid=4711 comm=bash flags=UP|RUNNING peer{ip=10.0.0.1 port=80}": every field,
// by its display; several of one field as "[..,..]". Strings that need it are
// quoted and escaped, so that one record is always one line and can send no
// control character to a terminal.
void AppendFieldsText(const RecordType& type, std::string_view payload, std::string* out);

// What stands behind a field's name: "=80", or "{..}" of a structure; "=?" if
// the payload does not hold it.
void AppendAssignmentText(const Field& field, std::string_view payload, std::string* out);

// ---- For programs --------------------------------------------------------

// An object with a member for each field:
//   integers      numbers, but strings beyond 2^53, which many readers of JSON
//                 would round
//   ENUM          the name as a string; the number if it has none
//   FLAGS         an array of names, the rest as one string "0x.."
//   addresses     strings; bool: true or false; bytes: a string of hex digits
//   strings       with bytes that are not UTF-8 replaced by U+FFFD
//   structures    objects
//   arrays        arrays; absent: null
void AppendFieldsJson(const RecordType& type, std::string_view payload, std::string* out);

// A JSON string, quoted.
void AppendJsonString(std::string_view text, std::string* out);

// A number, or a string beyond 2^53.
void AppendJsonNumber(uint64_t value, std::string* out);

// One whole object, without a newline:
//   {"node":..,"channel":..,"epoch":"..","sequence":..,"time":"RFC 3339, UTC",
//    "boottime_ns":..,"cpu":..,"type":"exec","fields":{..}}
// `type` null: "type" is the number, and "payload" in hex stands for "fields".
// An epoch is always a string; it is compared, not computed with.
void AppendRecordJson(std::string_view node, const BatchView& batch, const RecordView& record,
                      const RecordType* type, const NodeClock& clock, std::string* out);

// The same for a loss: "lost":{"first_sequence":..,"count":..,"stage":
// "KERNEL_RING","cpu":..,"cause":".."}; a count that is not known is null.
void AppendLostJson(std::string_view node, const BatchView& batch, const LostView& lost,
                    std::string* out);

}  // namespace kchan

#endif  // KCHAN_FORMAT_H_
