// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_PSI_CHANNEL_H_
#define KCHAN_BRIDGE_SOURCE_PSI_CHANNEL_H_

#include <memory>
#include <string>
#include <vector>

#include "bridge/source/event_loop.h"
#include "bridge/source/file_value_channel.h"
#include "bridge/source/host_options.h"

namespace kchan::source {

// Pressure stall information as a channel of values, new each time that the
// kernel sees the pressure pass a threshold.
class PsiChannel final : public FileValueChannel {
 public:
  PsiChannel(EventLoop& loop, BlockingCalls& calls, const PsiTriggerOptions& options);

  absl::StatusOr<std::unique_ptr<RecordSource>> Attach(hub::ValueFeed& values) override;
  std::string RemedyFor(const absl::Status& status) const override;
  absl::StatusOr<hub::ValueChanged> ChangeValue(const hub::ValueChange& change) override;

 private:
  absl::StatusOr<std::vector<hub::Word>> Parse(std::string text) const override;

  const PsiTriggerOptions options_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_PSI_CHANNEL_H_
