// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_FILE_SOURCE_H_
#define KCHAN_BRIDGE_SOURCE_FILE_SOURCE_H_

#include <linux/kchan.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/file_folder.h"
#include "bridge/source/frame_parser.h"
#include "bridge/source/frame_tally.h"
#include "bridge/source/link_options.h"
#include "bridge/source/record_source.h"
#include "bridge/source/turn_pace.h"

namespace kchan::source {

// The kernel's end of one FILE channel: it writes the file that it was handed.
//
// Thread safety: one thread at a time.
class FileWriter {
 public:
  virtual ~FileWriter() = default;

  virtual uint64_t generation() const = 0;
  // From now on the kernel writes `fd`, and no longer the one before it, which
  // an earlier daemon may have handed over.
  virtual absl::Status Hand(int fd) = 0;
  virtual absl::StatusOr<kchan_file_status> Status() = 0;
  // Polls as linux/kchan.h says.
  virtual int fd() const = 0;
};

// The module's, by an attached file. Errors as AttachedFile::Open().
absl::StatusOr<std::unique_ptr<FileWriter>> AttachFileWriter(const std::string& device_path,
                                                             const std::string& channel,
                                                             const FileWriting& writing);

// Follows the files that the kernel writes for a FILE channel, as one follows a
// log: hands it the next one when one is long enough, and removes what is read.
// At most two are there at a time, each no longer than max_bytes: the one that is
// read and the one that is written.
//
// The kernel goes on writing for a while when this is gone. What is left behind
// is read by who comes next: in the same generation under the same numbers, so
// some records come once more; else as the history of another epoch.
class FileSource final : public RecordSource {
 public:
  // Errors as FileFolder::Create(), and the kernel's. `owner` is the writer's
  // generation.
  static absl::StatusOr<std::unique_ptr<RecordSource>> Attach(EventLoop& loop,
                                                              std::unique_ptr<FileWriter> writer,
                                                              FileFolder& folder,
                                                              const FileOwner& owner,
                                                              const FileWriting& writing);
  // A file that may not be read to its end stays, for who comes next.
  ~FileSource() override;

  uint64_t generation() const override { return writer_generation_; }
  uint64_t next_sequence() const override { return tally_.sequence() + 1; }
  // What a killed daemon left behind; not before the kernel has used a number.
  bool has_history() const override { return history_end_ != 0; }
  uint64_t history_end() const override { return history_end_; }
  void ReadPast(hub::Log& log) override;
  void Start(hub::Log& log, OnEnd on_end) override;
  void RingsAppeared() override {}
  // Nothing to do: the attached file says so, behind its last record.
  void ChannelGone() override {}

 private:
  struct Open {
    FolderFile file;
    uint64_t read_bytes = 0;  // everything below is with the parser
  };

  FileSource(EventLoop& loop, std::unique_ptr<FileWriter> writer, FileFolder& folder,
             const FileOwner& owner, const FileWriting& writing);

  absl::Status Begin();
  absl::Status TakeOver();
  // The last number that was given out for sure, when the kernel has used numbers
  // up to `used`.
  uint64_t ReadBefore(uint64_t used) const;
  // The same, with the channel's name.
  absl::Status OfChannel(const absl::Status& status) const;

  void Turn();
  // Each returns whether there may be more.
  absl::StatusOr<bool> ReadBacklog();
  absl::StatusOr<bool> ReadCurrent();
  // Reads up to `end`, when the kernel has used numbers up to `used`; how many
  // bytes there were.
  absl::StatusOr<uint64_t> Read(Open& open, uint64_t end, uint64_t used);
  void Blame(const kchan_file_status& status);
  // False: it goes on with the file that it has.
  bool Rotate(const kchan_file_status& status);
  void End(absl::Status status);

  EventLoop& loop_;
  std::unique_ptr<FileWriter> writer_;
  const uint64_t writer_generation_;
  uint64_t history_end_ = 0;
  FileFolder& folder_;
  const FileOwner owner_;
  const uint64_t rotate_bytes_;
  const uint64_t max_left_bytes_;  // of files that earlier daemons have left
  std::vector<FolderFile> past_;   // of other epochs, oldest first
  std::deque<Open> backlog_;       // written before current_, oldest first
  std::optional<Open> current_;
  uint64_t rotate_at_;
  FrameParser parser_;
  FrameTally tally_;
  TurnPace pace_;
  uint64_t turn_records_ = 0;
  bool caught_up_ = false;   // with what was there at the start
  bool dead_ = false;        // no record follows
  hub::Log* log_ = nullptr;  // from Start() on
  OnEnd on_end_;
  Timer timer_;                     // of the next turn
  std::unique_ptr<FdWatch> watch_;  // goes before writer_
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_FILE_SOURCE_H_
