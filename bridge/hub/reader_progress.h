// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_READER_PROGRESS_H_
#define KCHAN_BRIDGE_HUB_READER_PROGRESS_H_

#include <mutex>

#include "bridge/hub/channel.h"
#include "bridge/hub/log_position.h"

namespace kchan::hub {

// Where one reader is in a channel's log, for whoever looks from outside: the
// reader itself belongs to its subscription's thread.
//
// Thread safety: any thread.
//
// Lifetime: the channel outlives it.
class ReaderProgress {
 public:
  explicit ReaderProgress(Channel& channel);
  ~ReaderProgress();
  ReaderProgress(const ReaderProgress&) = delete;
  ReaderProgress& operator=(const ReaderProgress&) = delete;

  void Set(const LogPosition& position) {
    const std::lock_guard lock(mutex_);
    position_ = position;
  }
  LogPosition Get() const {
    const std::lock_guard lock(mutex_);
    return position_;
  }

 private:
  Channel& channel_;
  mutable std::mutex mutex_;
  LogPosition position_;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_READER_PROGRESS_H_
