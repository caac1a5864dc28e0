// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/reader_progress.h"

#include <algorithm>
#include <vector>

namespace kchan::hub {

ReaderProgress::ReaderProgress(Channel& channel) : channel_(channel) {
  const std::lock_guard lock(channel_.progress_mutex_);
  channel_.progress_.push_back(this);
}

ReaderProgress::~ReaderProgress() {
  const std::lock_guard lock(channel_.progress_mutex_);
  std::erase(channel_.progress_, this);
}

uint64_t Channel::largest_lag() const {
  const std::lock_guard lock(progress_mutex_);
  uint64_t largest = 0;
  for (const ReaderProgress* reader : progress_) {
    largest = std::max(largest, log_.NumbersBehind(reader->Get()));
  }
  return largest;
}

}  // namespace kchan::hub
