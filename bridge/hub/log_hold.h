// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_LOG_HOLD_H_
#define KCHAN_BRIDGE_HUB_LOG_HOLD_H_

#include <list>

#include "bridge/hub/log.h"

namespace kchan::hub {

// Keeps a log from evicting what is behind a reader's place, for as long as it
// lives: while the log is full its writer finds no room, and leaves records where
// they are. Memory stays bounded by the log's own bound.
//
// Thread safety: none.
//
// Lifetime: the log outlives it.
class LogHold {
 public:
  LogHold(Log& log, const LogPosition& position);
  ~LogHold();
  LogHold(const LogHold&) = delete;
  LogHold& operator=(const LogHold&) = delete;

  // Everything before `position` may go.
  void MoveTo(const LogPosition& position);

 private:
  Log& log_;
  std::list<LogPosition>::iterator at_;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_LOG_HOLD_H_
