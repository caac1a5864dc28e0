// SPDX-License-Identifier: Apache-2.0
// A file that was cut anywhere, or in which any byte is another one.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <span>

#include "bridge/spool/channel_spool.h"
#include "tests/unit/spool/spool_testing.h"

namespace kchan::spool {
namespace {

namespace fs = std::filesystem;
using hub::testing::Decode;
using hub::testing::PayloadOf;
using testing::Node;

constexpr uint64_t kFrames = 8;
constexpr uint64_t kRecordsInFrame = 2;
constexpr uint64_t kNumbers = kFrames * kRecordsInFrame;

// What a start finds, and readers get of it.
struct Found {
  uint64_t last = 0;  // of the epoch, as the start says
  uint64_t records = 0;
  uint64_t lost = 0;
  size_t damages = 0;
  size_t set_aside = 0;
};

class DamageTest : public ::testing::Test {
 protected:
  DamageTest() {
    {
      Node node({.directory = folder_.path()});
      node.StartEpoch(Node::kEpoch, 1);
      for (uint64_t i = 0; i < kFrames; ++i) {
        node.Append(kRecordsInFrame);
        EXPECT_TRUE(node.IsSpooled());
      }
    }
    for (const auto& entry : fs::directory_iterator(Channel())) {
      if (entry.path().extension() != ".spool") continue;
      closed_ = entry.path();
      std::ifstream file(closed_, std::ios::binary);
      bytes_.assign(std::istreambuf_iterator<char>(file), {});
    }
    EXPECT_GT(bytes_.size(), kFrames * kFrameHeaderBytes);
  }

  fs::path Channel() const { return folder_.path() + "/" + Node::kChannel; }

  // Puts `bytes` where the file is, or was while it was written.
  void Put(const std::string& bytes, bool is_open) {
    for (const auto& entry : fs::directory_iterator(Channel())) {
      if (entry.path().extension() != ".schema") fs::remove(entry.path());
    }
    std::ofstream(is_open ? Channel() / OpenName(1) : closed_, std::ios::binary) << bytes;
  }

  Found Start() {
    int error = 0;
    auto spool = std::make_shared<ChannelSpool>(Node::kChannel, Channel(), files_, "boot-1",
                                                loader_, std::make_shared<hub::MemoryUse>(), [] {});
    RecoveredFolder recovered = Recover(*files_, spool->folder(), Node::kChannel, error);
    EXPECT_EQ(error, 0);
    Found found{.damages = recovered.damages.size(), .set_aside = recovered.catalog.aside().size()};
    spool->Recovered(std::move(recovered));
    const auto epochs = spool->epochs();
    if (epochs.empty()) return found;
    EXPECT_EQ(epochs.front().epoch, Node::kEpoch);
    found.last = epochs.front().last_sequence;
    ReadAll(*spool, found);
    found.damages = std::max(found.damages, spool->problems().size());
    return found;
  }

  const testing::TemporaryFolder folder_;
  fs::path closed_;
  std::string bytes_;

 private:
  static void ReadAll(ChannelSpool& spool, Found& found) {
    hub::Cursor cursor{.epoch = Node::kEpoch, .sequence = 0};
    while (cursor.sequence < found.last) {
      const hub::HistoryQuery query{.run = 1, .after = cursor};
      hub::HistoryAnswer answer = spool.Ask(query);
      if (answer.kind == hub::HistoryAnswer::Kind::kPending) answer = spool.Load(query).answer;
      if (answer.kind == hub::HistoryAnswer::Kind::kPending) continue;  // it has learnt of a gap
      ASSERT_GT(answer.last_sequence, cursor.sequence);
      if (answer.kind == hub::HistoryAnswer::Kind::kGap) {
        const uint64_t last = std::min(answer.last_sequence, found.last);
        found.lost += last - cursor.sequence;
        cursor.sequence = last;
        continue;
      }
      for (const auto& seen : Decode(std::span(answer.chunk->bytes(), answer.chunk_bytes))) {
        ASSERT_TRUE(seen.is_record);
        ASSERT_EQ(seen.payload, PayloadOf(seen.first, seen.payload.size()));
        if (seen.first <= cursor.sequence) continue;
        ASSERT_EQ(seen.first, cursor.sequence + 1);
        cursor.sequence = seen.first;
        ++found.records;
      }
    }
  }

  const std::shared_ptr<Files> files_ = std::make_shared<Files>();
  ChunkLoader loader_{1 << 20};
};

TEST_F(DamageTest, TornTailIsCutBehindTheLastWholeFrame) {
  uint64_t best = 0;
  for (size_t size = 0; size <= bytes_.size(); ++size) {
    Put(bytes_.substr(0, size), /*is_open=*/true);
    const Found found = Start();
    ASSERT_EQ(found.records, found.last) << size;
    ASSERT_EQ(found.lost, 0u) << size;
    ASSERT_EQ(found.last % kRecordsInFrame, 0u) << size;
    ASSERT_GE(found.last, best) << size;
    best = found.last;
    // What the start made of it is whole: the next one finds the same.
    ASSERT_EQ(Start().last, found.last) << size;
  }
  EXPECT_EQ(best, kNumbers);
}

TEST_F(DamageTest, AnyChangedByteOfAFileThatWasBeingWrittenCostsItsFrameAlone) {
  for (size_t i = 0; i < bytes_.size(); ++i) {
    std::string changed = bytes_;
    changed[i] = static_cast<char>(changed[i] ^ (1 << i % 8));
    Put(changed, /*is_open=*/true);
    const Found found = Start();
    ASSERT_EQ(found.records + found.lost, found.last) << i;
    if (found.set_aside != 0) continue;  // the file's header: nothing can be read
    ASSERT_GE(found.records, kNumbers - kRecordsInFrame) << i;
    ASSERT_EQ(found.damages != 0, found.lost != 0) << i;
  }
}

TEST_F(DamageTest, AnyChangedByteOfAClosedFileIsALossOfExactlyItsFrame) {
  for (size_t i = 0; i < bytes_.size(); ++i) {
    std::string changed = bytes_;
    changed[i] = static_cast<char>(changed[i] ^ (1 << i % 8));
    Put(changed, /*is_open=*/false);
    const Found found = Start();
    ASSERT_EQ(found.last, kNumbers) << i;
    ASSERT_EQ(found.records + found.lost, kNumbers) << i;
    ASSERT_TRUE(found.lost == 0 || found.lost == kRecordsInFrame || found.records == 0) << i;
    ASSERT_EQ(found.damages != 0, found.lost != 0) << i;
  }
}

TEST_F(DamageTest, ClosedFileThatWasCutIsALossOfItsEnd) {
  for (size_t size = 0; size < bytes_.size(); ++size) {
    Put(bytes_.substr(0, size), /*is_open=*/false);
    const Found found = Start();
    ASSERT_EQ(found.last, kNumbers) << size;
    ASSERT_EQ(found.records + found.lost, kNumbers) << size;
    ASSERT_GT(found.lost, 0u) << size;
  }
}

TEST_F(DamageTest, ZerosInTheMiddleAreALossAndWhatFollowsIsThere) {
  std::string changed = bytes_;
  const size_t at = bytes_.size() / 2;
  changed.replace(at, 16, 16, '\0');
  Put(changed, /*is_open=*/true);
  const Found found = Start();
  EXPECT_EQ(found.last, kNumbers);
  EXPECT_GE(found.lost, kRecordsInFrame);
  EXPECT_LE(found.lost, 2 * kRecordsInFrame);
  EXPECT_EQ(found.records + found.lost, kNumbers);
}

TEST_F(DamageTest, ForeignFilesAreLeftAlone) {
  for (const char* name : {"notes.txt", "00000009.spool", "x.damaged", "zz.open"}) {
    std::ofstream(Channel() / name) << "mine";
  }
  fs::create_directory(Channel() / "00000007.open");
  fs::create_symlink("/etc/passwd", Channel() / "00000008.open");
  const Found found = Start();
  EXPECT_EQ(found.records, kNumbers);
  EXPECT_EQ(found.damages, 0u);
  for (const char* name : {"notes.txt", "00000009.spool", "x.damaged", "zz.open"}) {
    EXPECT_TRUE(fs::exists(Channel() / name)) << name;
  }
  EXPECT_TRUE(fs::is_symlink(Channel() / "00000008.open"));
}

}  // namespace
}  // namespace kchan::spool
