// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <utility>

#include "kchan/subscription.h"

namespace kchan {

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
