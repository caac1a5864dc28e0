// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SPOOL_CHANNEL_FILES_H_
#define KCHAN_BRIDGE_SPOOL_CHANNEL_FILES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "bridge/hub/channel.h"
#include "bridge/spool/channel_spool.h"
#include "bridge/spool/options.h"
#include "bridge/spool/segment_writer.h"

namespace kchan::spool {

// What all channels' writers share.
class SpoolRoot {
 public:
  virtual ~SpoolRoot() = default;
  // Makes the directory this daemon's own, if it is not. 0, or a negative errno.
  virtual int Claim() = 0;
  // Deletes files until all channels together have room for so many bytes more.
  virtual int MakeRoom(uint64_t bytes) = 0;
  virtual const SpoolOptions& options() const = 0;
};

// What is written at once: consecutive numbers of one epoch, in whole elements.
struct Piece {
  uint64_t epoch = 0;
  uint64_t schema_id = 0;
  uint64_t first_sequence = 0;
  uint64_t last_sequence = 0;
  std::vector<std::span<const std::byte>> parts = {};
  uint64_t bytes = 0;  // sum of the parts
};

// One channel's files as they are written: begins a new one where that is due,
// keeps all within their bounds, and tells the channel's spool what is there.
//
// Thread safety: the spooler's thread only.
//
// Lifetime: the root outlives it.
class ChannelFiles {
 public:
  // `is_recovered`: the folder was read when the daemon started.
  ChannelFiles(SpoolRoot& root, std::shared_ptr<ChannelSpool> spool,
               std::shared_ptr<hub::Channel> channel, const SpoolLimits& limits, bool is_recovered);

  // All of these: 0, or a negative errno. After an error: Abandon().
  int Append(const Piece& piece);
  int Sync();
  int Close();
  // Deletes what is older than its age allows.
  int DeleteOld();
  // Deletes until there is room for `bytes` more, of the channel and of all.
  int MakeRoom(uint64_t bytes);
  // Whether something could be written now.
  int Probe();
  void SetLimits(const SpoolLimits& limits);
  // Writes no more to the file that is open, and believes nothing of the folder.
  void Abandon();

  // The next file begins behind an epoch whose end nobody has seen.
  void set_after_unseen() { after_unseen_ = true; }
  const SpoolLimits& limits() const { return limits_; }
  // How long until DeleteOld() has something to do; nothing: not before more is
  // written.
  std::optional<uint64_t> NsUntilOld() const;

 private:
  int EnsureFolder();
  int EnsureFile(const Piece& piece);
  int NewFile(const Piece& piece);
  int DeleteOne();
  void Grown(uint64_t first_sequence, uint64_t offset);
  uint64_t SegmentBytes() const;

  SpoolRoot& root_;
  const std::shared_ptr<ChannelSpool> spool_;
  const std::shared_ptr<hub::Channel> channel_;
  Files& files_;
  SpoolLimits limits_;
  std::unique_ptr<SegmentWriter> file_;  // that is written now
  bool has_folder_ = false;
  bool is_recovered_;
  bool after_unseen_ = false;  // of the next file
};

}  // namespace kchan::spool

#endif  // KCHAN_BRIDGE_SPOOL_CHANNEL_FILES_H_
