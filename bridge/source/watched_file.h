// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_WATCHED_FILE_H_
#define KCHAN_BRIDGE_SOURCE_WATCHED_FILE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bridge/hub/value_feed.h"
#include "bridge/source/blocking_calls.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/observed_value.h"
#include "bridge/source/record_source.h"
#include "bridge/source/unique_fd.h"

namespace kchan::source {

class WatchedFile;

// How a value is got out of an open file. May take long; any thread.
using ReadWords = std::function<absl::StatusOr<std::vector<hub::Word>>(int fd)>;

// Whom a WatchedFile tells. All outlive it.
struct WatchedFileEnds {
  ObservedValue& observed;
  hub::ValueFeed& feed;
  WatchedFile*& self;  // names it while it lives
};

// Feeds a channel of values from one file: looks at it at the start, when the
// kernel announces a change (EPOLLPRI), and each sample_interval. Without a
// change nothing is fed. A driver may take its time to answer: so the file is
// read elsewhere, by one call at a time.
//
// Thread safety: the source thread only.
class WatchedFile final : public RecordSource {
 public:
  // `sample_interval` zero: announcements only; then FAILED_PRECONDITION if
  // the kernel makes none for this file.
  static absl::StatusOr<std::unique_ptr<WatchedFile>> Create(EventLoop& loop, BlockingCalls& calls,
                                                             std::string path, UniqueFd file,
                                                             ReadWords read,
                                                             absl::Duration sample_interval,
                                                             const WatchedFileEnds& ends);
  ~WatchedFile() override;

  uint64_t generation() const override { return 1; }
  uint64_t next_sequence() const override { return 1; }
  // Nothing comes into the log.
  void Start(hub::Log& log, OnEnd on_end) override;
  void RingsAppeared() override {}
  void ChannelGone() override {}

  // Looks soon: it may have changed.
  void LookSoon();

 private:
  // What a call that reads the file needs; outlives us if that takes longer.
  struct Reading {
    UniqueFd file;
    ReadWords read;
    absl::StatusOr<std::vector<hub::Word>> words =
        std::vector<hub::Word>();  // the call's, then ours
    bool is_abandoned = false;
  };

  WatchedFile(EventLoop& loop, BlockingCalls& calls, std::string path,
              std::shared_ptr<Reading> reading, absl::Duration sample_interval,
              const WatchedFileEnds& ends);

  absl::Status Watch(EventLoop& loop);
  void Look();
  void Looked();

  BlockingCalls& calls_;
  const std::string path_;
  const std::shared_ptr<Reading> reading_;
  bool is_reading_ = false;
  bool look_again_ = false;  // it has changed since that began
  const absl::Duration sample_interval_;
  const WatchedFileEnds ends_;
  std::shared_ptr<const hub::ValueSnapshot> fed_;  // last
  std::unique_ptr<FdWatch> watch_;                 // null: no announcements
  Timer timer_;
  OnEnd on_end_;  // from Start() on
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_WATCHED_FILE_H_
