// SPDX-License-Identifier: Apache-2.0
// A channel's folder as a crash, a disk or somebody may have left it: recovered,
// then read to its end. Whatever it holds, numbers go up, each once, and every
// piece is whole elements.
//
// The input is a list of edits of a sound file, or, if its first byte says so,
// the file itself.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bridge/hub/element.h"
#include "bridge/spool/bytes.h"
#include "bridge/spool/channel_spool.h"
#include "bridge/spool/segment_writer.h"

namespace kchan::spool {
namespace {

constexpr uint64_t kEpoch = 0xe1;

// Files in memory; enough of them for one folder.
class MemoryFiles final : public Files {
 public:
  int Create(const std::string& path) override {
    contents[path].clear();
    return OpenIt(path);
  }
  int Open(const std::string& path) override { return OpenIt(path); }
  int OpenToRepair(const std::string& path) override { return OpenIt(path); }
  void Close(int /*fd*/) override {}
  int Write(int fd, std::span<const iovec> parts, uint64_t offset) override {
    std::string& file = contents[names_[fd]];
    for (const iovec& part : parts) {
      file.resize(std::max<size_t>(file.size(), offset + part.iov_len));
      std::memcpy(file.data() + offset, part.iov_base, part.iov_len);
      offset += part.iov_len;
    }
    return 0;
  }
  int64_t Read(int fd, std::span<std::byte> to, uint64_t offset) override {
    const std::string& file = contents[names_[fd]];
    if (offset >= file.size()) return 0;
    const size_t bytes = std::min<size_t>(to.size(), file.size() - offset);
    std::memcpy(to.data(), file.data() + offset, bytes);
    return static_cast<int64_t>(bytes);
  }
  int64_t Size(int fd) override { return static_cast<int64_t>(contents[names_[fd]].size()); }
  int Truncate(int fd, uint64_t bytes) override {
    contents[names_[fd]].resize(bytes);
    return 0;
  }
  int Sync(int /*fd*/) override { return 0; }
  int SyncFolder(const std::string& /*path*/) override { return 0; }
  int Rename(const std::string& from, const std::string& to) override {
    contents[to] = std::move(contents[from]);
    contents.erase(from);
    return 0;
  }
  int Remove(const std::string& path) override {
    contents.erase(path);
    return 0;
  }
  int List(const std::string& /*path*/, std::vector<FoundFile>& found) override {
    for (const auto& [path, bytes] : contents) {
      found.push_back({.name = path.substr(path.rfind('/') + 1), .bytes = bytes.size()});
    }
    return 0;
  }

  std::map<std::string, std::string> contents;

 private:
  int OpenIt(const std::string& path) {
    if (!contents.contains(path)) return -2;
    names_.push_back(path);
    return static_cast<int>(names_.size()) - 1;
  }
  std::vector<std::string> names_;
};

void Require(bool is_true) {
  if (!is_true) std::abort();
}

std::string SoundFile() {
  MemoryFiles files;
  int error = 0;
  SegmentHeader header;
  header.epoch = kEpoch;
  header.schema_id = 1;
  header.first_sequence = 1;
  header.channel = "c";
  const auto writer = SegmentWriter::Create(files, "f", 1, header, error);
  for (uint64_t sequence = 1; sequence < 12; sequence += 2) {
    std::vector<std::byte> bytes(256);
    std::byte* end = bytes.data();
    for (uint64_t i = 0; i < 2; ++i) {
      const hub::RecordHeader facts{.boottime_ns = 1, .cpu = 0, .type = 1};
      end = hub::PutRecord(end, hub::SizeOfRecord(facts, 8), sequence + i, facts,
                           std::as_bytes(std::span(&sequence, 1)));
    }
    const std::span<const std::byte> part(bytes.data(), static_cast<size_t>(end - bytes.data()));
    Require(writer->Append(sequence, sequence + 1, std::span(&part, 1), 1) == 0);
  }
  return files.contents.begin()->second;
}

void ReadAll(ChannelSpool& spool, const hub::HistoryEpoch& epoch) {
  hub::Cursor cursor{.epoch = epoch.epoch, .sequence = 0};
  // Bounded: each second step at the latest must get on.
  for (int step = 0; step < 4096 && cursor.sequence < epoch.last_sequence; ++step) {
    const hub::HistoryQuery query{.run = 1, .after = cursor};
    hub::HistoryAnswer answer = spool.Ask(query);
    if (answer.kind == hub::HistoryAnswer::Kind::kPending) answer = spool.Load(query).answer;
    if (answer.kind == hub::HistoryAnswer::Kind::kPending) {
      Require(spool.Ask(query).kind == hub::HistoryAnswer::Kind::kGap);
      continue;
    }
    Require(answer.last_sequence > cursor.sequence);
    if (answer.kind == hub::HistoryAnswer::Kind::kChunk) {
      std::span<const std::byte> rest(answer.chunk->bytes(), answer.chunk_bytes);
      uint64_t reached = answer.chunk->first_sequence() - 1;
      while (const auto element = hub::ParseElement(rest)) {
        reached += element->numbers;
        rest = rest.subspan(element->bytes);
      }
      Require(rest.empty() && reached == answer.last_sequence);
    }
    cursor.sequence = answer.last_sequence;
  }
}

void Run(std::string file, const std::string& name) {
  const auto files = std::make_shared<MemoryFiles>();
  files->contents["f/" + name] = std::move(file);
  static ChunkLoader& loader = *new ChunkLoader(1 << 20);
  const auto spool = std::make_shared<ChannelSpool>("c", "f", files, "boot-1", loader,
                                                    std::make_shared<hub::MemoryUse>(), [] {});
  int error = 0;
  spool->Recovered(Recover(*files, "f", "c", error));
  for (const hub::HistoryEpoch& epoch : spool->epochs()) ReadAll(*spool, epoch);
  (void)spool->Load({.run = 1, .after = {kEpoch, 12}, .last_records = 3});
}

}  // namespace
}  // namespace kchan::spool

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
  using namespace kchan::spool;
  static const std::string& sound = *new std::string(SoundFile());
  if (size == 0) return 0;
  std::string file = sound;
  if ((input[0] & 1) != 0) {
    file.assign(reinterpret_cast<const char*>(input) + 1, size - 1);
  } else {
    for (size_t i = 1; i + 3 <= size; i += 3) {
      const size_t at = (input[i] | input[i + 1] << 8) % (file.size() + 1);
      if (at == file.size()) {
        file.resize(file.size() - std::min<size_t>(file.size(), input[i + 2]));
        if (file.empty()) break;
      } else {
        file[at] = static_cast<char>(input[i + 2]);
      }
    }
  }
  const SegmentFacts facts{.index = 1,
                           .epoch = kEpoch,
                           .schema_id = 1,
                           .first_sequence = 1,
                           .last_sequence = 12,
                           .records = 12};
  Run(file, OpenName(1));
  Run(file, ClosedName(facts));
  return 0;
}
