// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_TEXT_FILE_CHANNEL_H_
#define KCHAN_BRIDGE_SOURCE_TEXT_FILE_CHANNEL_H_

#include <memory>
#include <string>
#include <vector>

#include "bridge/source/event_loop.h"
#include "bridge/source/file_value_channel.h"
#include "bridge/source/host_options.h"

namespace kchan::source {

// A file of sysfs or procfs as a channel of one word, "text".
class TextFileChannel final : public FileValueChannel {
 public:
  TextFileChannel(EventLoop& loop, BlockingCalls& calls, const ValueFileOptions& options);

  absl::StatusOr<std::unique_ptr<RecordSource>> Attach(hub::ValueFeed& values) override;
  std::string RemedyFor(const absl::Status& status) const override;
  absl::StatusOr<hub::ValueChanged> ChangeValue(const hub::ValueChange& change) override;

 private:
  absl::StatusOr<std::vector<hub::Word>> Parse(std::string text) const override;

  const ValueFileOptions options_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_TEXT_FILE_CHANNEL_H_
