// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_VALUE_SOURCE_H_
#define KCHAN_BRIDGE_SOURCE_VALUE_SOURCE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "bridge/hub/value_feed.h"
#include "bridge/source/attached_file.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/record_source.h"
#include "bridge/source/unique_fd.h"
#include "bridge/source/value_words.h"

namespace kchan::source {

// Follows the words of a VALUE channel: each change that it sees becomes the
// feed's latest. Changes that come faster than once a
// millisecond are joined; the version
// tells how many there were. The log stays empty.
class ValueSource final : public RecordSource {
 public:
  // Reads all words as one.
  using Read = std::function<absl::StatusOr<kchan_value_read>()>;

  // The feed outlives it.
  static std::unique_ptr<RecordSource> Of(EventLoop& loop, AttachedFile file,
                                          const std::string& channel, ValueWords words,
                                          hub::ValueFeed& feed);

  // `fd` polls as an attached file does, and `read` reads it.
  ValueSource(EventLoop& loop, UniqueFd fd, Read read, uint64_t generation, ValueWords words,
              hub::ValueFeed& feed);
  ~ValueSource() override;

  uint64_t generation() const override { return generation_; }
  uint64_t next_sequence() const override { return 1; }
  void Start(hub::Log& log, OnEnd on_end) override;
  void RingsAppeared() override {}
  // Nothing to do: the file itself says so.
  void ChannelGone() override {}

 private:
  void Turn();
  void End(absl::Status status);

  EventLoop& loop_;
  const UniqueFd fd_;
  const Read read_;
  const uint64_t generation_;
  const ValueWords words_;
  hub::ValueFeed& feed_;
  OnEnd on_end_;
  absl::Time last_turn_;
  Timer timer_;                     // of the next turn
  std::unique_ptr<FdWatch> watch_;  // goes before fd_
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_VALUE_SOURCE_H_
