// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_PAST_FILES_H_
#define KCHAN_BRIDGE_SOURCE_PAST_FILES_H_

#include <cstdint>
#include <optional>

#include "bridge/hub/log.h"
#include "bridge/source/file_folder.h"
#include "bridge/source/frame_parser.h"
#include "bridge/source/frame_tally.h"

namespace kchan::source {

// Reads what the kernel wrote for a FILE channel in activations that are over,
// and nobody has read to its end: each comes as an epoch of its own, in front of
// the one that is about to begin. Records that were given out come once more,
// under the same numbers.
//
// Nobody knows how to decode records of another schema than the channel has now:
// they are lost, and counted.
//
// Thread safety: one thread at a time.
//
// Lifetime: all that it is given outlives it.
class PastFiles {
 public:
  // `now` is the activation that is about to begin.
  PastFiles(const FileFolder& folder, const FileOwner& now, hub::Log& log)
      : folder_(folder), now_(now), log_(log) {}

  // The oldest first. Removes the file.
  void Read(const FolderFile& file);

 private:
  void ReadFrames(const FolderFile& file);
  void Take(const FolderFile& file, const Frame& frame);

  const FileFolder& folder_;
  const FileOwner& now_;
  hub::Log& log_;
  uint64_t epoch_ = 0;               // of the files that are being read
  std::optional<FrameTally> tally_;  // of the epoch; nothing: it has nothing new yet
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_PAST_FILES_H_
