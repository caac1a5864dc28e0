// SPDX-License-Identifier: Apache-2.0
#include "bridge/spool/catalog.h"

#include <gtest/gtest.h>

namespace kchan::spool {
namespace {

SegmentFile File(uint32_t index, uint64_t epoch, uint64_t first, uint64_t last) {
  return {.facts = {.index = index,
                    .epoch = epoch,
                    .schema_id = 1,
                    .first_sequence = first,
                    .last_sequence = last,
                    .records = last - first + 1},
          .bytes = 100};
}

TEST(CatalogTest, EpochsAreFilesThatFollowEachOther) {
  const Catalog catalog({File(1, 7, 1, 10), File(2, 7, 11, 20), File(3, 8, 5, 6)}, {});
  const auto epochs = catalog.Epochs();
  ASSERT_EQ(epochs.size(), 2u);
  EXPECT_EQ(epochs[0].epoch, 7u);
  EXPECT_EQ(epochs[0].last_sequence, 20u);
  EXPECT_EQ(epochs[1].last_sequence, 6u);
  EXPECT_EQ(catalog.Oldest(), (hub::Cursor{7, 0}));
  EXPECT_EQ(catalog.bytes(), 300u);
  EXPECT_EQ(catalog.records(), 22u);
}

TEST(CatalogTest, FileIsFoundByWhatItHasOrWouldHave) {
  Catalog catalog({File(1, 7, 1, 10), File(2, 7, 15, 20)}, {});
  EXPECT_EQ(catalog.Find(7, 10)->facts.index, 1u);
  EXPECT_EQ(catalog.Find(7, 11)->facts.index, 2u);
  EXPECT_EQ(catalog.Find(7, 21), nullptr);
  EXPECT_EQ(catalog.Find(8, 1), nullptr);
}

TEST(CatalogTest, NeighbouringGapsAreOneAndManyAreBounded) {
  SegmentFile file = File(1, 7, 1, 100'000);
  file.AddGap({5, 6});
  file.AddGap({9, 9});
  file.AddGap({7, 8});
  ASSERT_EQ(file.gaps.size(), 1u);
  EXPECT_EQ(file.FindGap(6)->last, 9u);
  EXPECT_EQ(file.FindGap(10), nullptr);
  for (uint64_t i = 0; i < 10'000; ++i) file.AddGap({20 + 2 * i, 20 + 2 * i});
  EXPECT_LE(file.gaps.size(), 256u);
  EXPECT_NE(file.FindGap(20), nullptr);
}

TEST(CatalogTest, AdoptedFilesCountAndGoFirstButAreNobodysHistory) {
  Catalog catalog({File(5, 9, 1, 2)}, {});
  catalog.Adopt(Catalog({File(1, 7, 1, 10)}, {}));
  EXPECT_EQ(catalog.bytes(), 200u);
  EXPECT_EQ(catalog.Oldest(), (hub::Cursor{9, 0}));
  EXPECT_EQ(catalog.Find(7, 1), nullptr);
  catalog.Remove(catalog.files().front().facts.index);
  EXPECT_EQ(catalog.bytes(), 100u);
  EXPECT_EQ(catalog.records(), 2u);
}

}  // namespace
}  // namespace kchan::spool
