// SPDX-License-Identifier: Apache-2.0
#include "bridge/spool/recovery.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "bridge/spool/schema_file.h"
#include "bridge/spool/segment_reader.h"
#include "bridge/text/concat.h"

namespace kchan::spool {
namespace {

constexpr std::string_view kUnfinishedSchema = ".schema.new";
// No header is as short: the daemon ended while it made the file.
constexpr uint64_t kNoHeaderBytes = 128;

class Recovery {
 public:
  Recovery(Files& files, const std::string& folder, const std::string& channel)
      : files_(files), folder_(folder), channel_(channel) {}

  int Run() {
    std::vector<FoundFile> found;
    if (const int error = files_.List(folder_, found); error < 0) return error;
    for (const FoundFile& file : found) {
      if (!file.is_folder) Take(file);
    }
    std::sort(segments_.begin(), segments_.end(),
              [](const auto& a, const auto& b) { return a.facts.index < b.facts.index; });
    result_.catalog = Catalog(std::move(segments_), std::move(aside_));
    return 0;
  }

  RecoveredFolder& result() { return result_; }

 private:
  std::string PathOf(std::string_view name) const { return text::Concat(folder_, "/", name); }
  void Damaged(std::string_view name, std::string_view what) {
    result_.damages.push_back(text::Concat("file ", PathOf(name), ": ", what));
  }
  void Uses(uint32_t index) { result_.next_index = std::max(result_.next_index, index + 1); }

  void Take(const FoundFile& file) {
    if (const auto facts = ParseClosedName(file.name)) {
      Uses(facts->index);
      segments_.push_back({.facts = *facts, .bytes = file.bytes, .newest_ns = file.written_ns});
    } else if (const auto index = ParseOpenName(file.name)) {
      Uses(*index);
      Repair(file, *index);
    } else if (const auto schema_id = ParseSchemaName(file.name)) {
      TakeSchema(file.name, *schema_id);
    } else if (file.name.ends_with(kUnfinishedSchema)) {
      (void)files_.Remove(PathOf(file.name));
    } else if (file.name.ends_with(kDamagedSuffix)) {
      TakeAside(file);
    }
  }

  void TakeSchema(const std::string& name, uint64_t schema_id) {
    if (auto schema = LoadSchema(files_, folder_, schema_id)) {
      result_.schemas.emplace(schema_id, std::move(schema));
    } else {
      Damaged(name, "is no schema any more: records that need it cannot be decoded");
    }
  }

  // Only what this daemon has set aside.
  void TakeAside(const FoundFile& file) {
    const std::string_view name =
        std::string_view(file.name).substr(0, file.name.size() - kDamagedSuffix.size());
    const auto closed = ParseClosedName(name);
    const auto index = closed ? std::optional(closed->index) : ParseOpenName(name);
    if (!index) return;
    Uses(*index);
    aside_.push_back({.name = file.name, .bytes = file.bytes});
  }

  void SetAside(const FoundFile& file, std::string_view why) {
    const std::string name = text::Concat(file.name, kDamagedSuffix);
    if (files_.Rename(PathOf(file.name), PathOf(name)) == 0) {
      aside_.push_back({.name = name, .bytes = file.bytes});
    }
    Damaged(name, why);
  }

  void Repair(const FoundFile& file, uint32_t index) {
    int error = 0;
    const auto reader = SegmentReader::Open(files_, PathOf(file.name), error);
    if (reader == nullptr) {
      return Damaged(file.name, text::Concat("cannot be read: ", std::strerror(-error)));
    }
    const auto decoded = reader->ReadHeader();
    if (reader->error() < 0) {
      return Damaged(file.name, text::Concat("cannot be read: ", std::strerror(-reader->error())));
    }
    if (!decoded || decoded->header.channel != channel_) {
      if (reader->size() < kNoHeaderBytes) return (void)files_.Remove(PathOf(file.name));
      return SetAside(file, "has no sound header: what was in it is lost");
    }
    SegmentFile segment{.facts = {.index = index,
                                  .epoch = decoded->header.epoch,
                                  .schema_id = decoded->header.schema_id,
                                  .first_sequence = decoded->header.first_sequence,
                                  .last_sequence = decoded->header.first_sequence - 1,
                                  .records = 0,
                                  .after_unseen = decoded->header.after_unseen},
                        .bytes = decoded->bytes,
                        .newest_ns = decoded->header.unix_ns,
                        .is_open = true};
    const bool has_frames = ReadFrames(*reader, segment);
    if (reader->error() < 0) {
      Damaged(file.name, text::Concat("cannot be read: ", std::strerror(-reader->error())));
    } else if (!has_frames) {
      return (void)files_.Remove(PathOf(file.name));
    } else {
      Finish(file, *reader, segment);
    }
    segments_.push_back(std::move(segment));
  }

  // Every frame, payloads too: after a power cut a header may have reached the
  // disk without them.
  static bool ReadFrames(SegmentReader& reader, SegmentFile& segment) {
    SegmentFacts& facts = segment.facts;
    FrameWalker walker(reader, segment.bytes, facts.first_sequence);
    std::vector<std::byte> payload;
    bool has_frames = false;
    while (const std::optional<PlacedFrame> frame = walker.Next()) {
      const FrameHeader& header = frame->header;
      payload.resize(header.payload_bytes);
      if (!reader.ReadPayload(header, frame->offset, payload)) continue;
      if (header.first_sequence > facts.last_sequence + 1) {
        segment.AddGap({facts.last_sequence + 1, header.first_sequence - 1});
      }
      has_frames = true;
      facts.last_sequence = header.last_sequence;
      facts.records += header.records;
      segment.bytes = walker.offset();
      segment.newest_ns = header.unix_ns;
      segment.AddMark({header.first_sequence, frame->offset});
    }
    return has_frames;
  }

  void Finish(const FoundFile& file, const SegmentReader& reader, SegmentFile& segment) {
    for (const Gap& gap : segment.gaps) {
      Damaged(file.name,
              text::Concat("is damaged: numbers ", gap.first, " to ", gap.last, " are lost"));
    }
    const std::string path = PathOf(file.name);
    if (segment.bytes < reader.size()) {
      const OpenFile torn(files_, files_.OpenToRepair(path));
      if (torn) (void)files_.Truncate(torn.fd(), segment.bytes);
    }
    segment.is_open = files_.Rename(path, PathOf(ClosedName(segment.facts))) < 0;
  }

  Files& files_;
  const std::string& folder_;
  const std::string& channel_;
  std::deque<SegmentFile> segments_;
  std::deque<AsideFile> aside_;
  RecoveredFolder result_;
};

}  // namespace

RecoveredFolder Recover(Files& files, const std::string& folder, const std::string& channel,
                        int& error) {
  Recovery recovery(files, folder, channel);
  error = recovery.Run();
  return std::move(recovery.result());
}

}  // namespace kchan::spool
