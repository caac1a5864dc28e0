// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_RELAY_SOURCE_H_
#define KCHAN_BRIDGE_SOURCE_RELAY_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/frame_parser.h"
#include "bridge/source/frame_tally.h"
#include "bridge/source/record_source.h"
#include "bridge/source/relay_files.h"
#include "bridge/source/turn_pace.h"

namespace kchan::source {

// Reads the buffers of a RELAY channel, one for each CPU that is or was up. A
// record's number in the log is its place among all of them.
class RelaySource final : public RecordSource {
 public:
  // Opens all buffers that there are, or none. Errors as RelayFiles.
  static absl::StatusOr<std::unique_ptr<RecordSource>> Attach(EventLoop& loop,
                                                              std::unique_ptr<RelayFiles> files,
                                                              const std::string& channel,
                                                              bool overwrite);

  uint64_t generation() const override { return files_->generation(); }
  uint64_t next_sequence() const override;
  void Start(hub::Log& log, OnEnd on_end) override;
  void RingsAppeared() override;
  // Nothing to do: the files themselves say so, behind their last record.
  void ChannelGone() override {}

 private:
  struct Buffer {
    Buffer(uint32_t of_cpu, UniqueFd file, const FrameTally& numbers)
        : cpu(of_cpu), fd(std::move(file)), tally(numbers) {}

    const uint32_t cpu;
    const UniqueFd fd;
    FrameTally tally;
    bool ready = true;               // it may have something
    bool closed = false;             // no record follows
    bool finished = false;           // closed, and read to its end
    std::unique_ptr<FdWatch> watch;  // goes before fd
  };

  RelaySource(EventLoop& loop, std::unique_ptr<RelayFiles> files, const std::string& channel,
              bool overwrite);

  // Opens the buffers that it does not have.
  absl::Status OpenNew();
  bool Has(uint32_t cpu) const;
  absl::Status Watch(Buffer& buffer);
  absl::Status WatchFolder();

  void Turn();
  // How many records there were.
  absl::StatusOr<uint64_t> Read(Buffer& buffer);
  void End(absl::Status status);

  EventLoop& loop_;
  const std::unique_ptr<RelayFiles> files_;
  const std::string channel_;
  const char* const loss_cause_;
  FrameParser parser_;  // empty between two reads: they give whole frames
  TurnPace pace_;
  hub::Log* log_ = nullptr;  // from Start() on
  OnEnd on_end_;
  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::unique_ptr<FdWatch> folder_watch_;
  Timer timer_;       // of the next turn
  Timer open_again_;  // a file that is just being made
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_RELAY_SOURCE_H_
