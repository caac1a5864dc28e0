// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_FILE_VALUE_CHANNEL_H_
#define KCHAN_BRIDGE_SOURCE_FILE_VALUE_CHANNEL_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "bridge/source/blocking_calls.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/host_channel.h"
#include "bridge/source/observed_value.h"
#include "bridge/source/unique_fd.h"
#include "bridge/source/watched_file.h"

namespace kchan::source {

// What channels of values that are files of sysfs or procfs have in common.
class FileValueChannel : public HostChannel {
 public:
  absl::StatusOr<hub::ValueSnapshot> ReadValues() final;

 protected:
  FileValueChannel(EventLoop& loop, BlockingCalls& calls, hub::ChannelDescription description,
                   hub::Schema schema)
      : HostChannel(std::move(description), std::move(schema)), loop_(loop), calls_(calls) {}

  // What the text of the file says. Any thread.
  virtual absl::StatusOr<std::vector<hub::Word>> Parse(std::string text) const = 0;

  // For Attach(): see WatchedFile::Create().
  absl::StatusOr<std::unique_ptr<RecordSource>> Watch(UniqueFd file, absl::Duration sample_interval,
                                                      hub::ValueFeed& values);
  // It may have changed: who watches shall look. Any thread.
  void LookSoon();

 private:
  absl::StatusOr<std::vector<hub::Word>> Read(int fd) const;

  EventLoop& loop_;
  BlockingCalls& calls_;
  ObservedValue observed_;
  WatchedFile* watched_ = nullptr;  // while there is one; the source thread's
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_FILE_VALUE_CHANNEL_H_
