// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "kchan/subscription.h"

namespace kchan {
namespace {

google::protobuf::Timestamp ToProto(absl::Time time) {
  // What a Timestamp can say: the years 1 to 9999.
  const absl::Time first = absl::FromUnixSeconds(-62'135'596'800);
  const absl::Time last = absl::FromUnixSeconds(253'402'300'799);
  time = std::clamp(time, first, last);
  google::protobuf::Timestamp proto;
  const int64_t seconds = absl::ToUnixSeconds(time);  // rounds down
  proto.set_seconds(seconds);
  proto.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return proto;
}

}  // namespace

v1::Start FromNow() {
  v1::Start start;
  start.mutable_now();
  return start;
}

v1::Start FromOldest() {
  v1::Start start;
  start.mutable_oldest();
  return start;
}

v1::Start FromLast(uint64_t records) {
  v1::Start start;
  start.set_last_records(records);
  return start;
}

v1::Start FromCursor(v1::Cursor cursor) {
  v1::Start start;
  *start.mutable_cursor() = std::move(cursor);
  return start;
}

v1::Start FromTime(absl::Time time) {
  v1::Start start;
  *start.mutable_since() = ToProto(time);
  return start;
}

v1::SubscribeRequest::Stop StopAtTime(absl::Time time) {
  v1::SubscribeRequest::Stop stop;
  *stop.mutable_until() = ToProto(time);
  return stop;
}

v1::SubscribeRequest::Stop StopAfterRecords(uint64_t records) {
  v1::SubscribeRequest::Stop stop;
  stop.set_records(records);
  return stop;
}

v1::SubscribeRequest::Stop StopAtEndOfHistory() {
  v1::SubscribeRequest::Stop stop;
  stop.set_end_of_history(true);
  return stop;
}

v1::Selection Select(std::string_view name_or_glob, v1::Start start) {
  v1::Selection selection;
  if (name_or_glob.find_first_of("*?[") == std::string_view::npos) {
    selection.set_name(std::string(name_or_glob));
  } else {
    selection.set_glob(std::string(name_or_glob));
  }
  *selection.mutable_start() = std::move(start);
  return selection;
}

}  // namespace kchan
