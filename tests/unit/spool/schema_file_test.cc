// SPDX-License-Identifier: Apache-2.0
#include "bridge/spool/schema_file.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/unit/spool/spool_testing.h"

namespace kchan::spool {
namespace {

TEST(SchemaFileTest, SchemaComesBackFromDisk) {
  const testing::TemporaryFolder folder;
  Files files;
  const auto schema = testing::SchemaNamed("fact");
  ASSERT_EQ(StoreSchema(files, folder.path(), *schema, true), 0);
  ASSERT_EQ(StoreSchema(files, folder.path(), *schema, true), 0);
  const auto loaded = LoadSchema(files, folder.path(), schema->id);
  ASSERT_NE(loaded, nullptr);
  EXPECT_EQ(hub::SchemaId(*loaded), schema->id);
  EXPECT_EQ(EncodeSchema(*loaded), EncodeSchema(*schema));
  EXPECT_EQ(LoadSchema(files, folder.path(), schema->id + 1), nullptr);
}

TEST(SchemaFileTest, BytesWithAnyChangeAreNoSchema) {
  const std::vector<std::byte> bytes = EncodeSchema(*testing::SchemaNamed("fact"));
  ASSERT_TRUE(DecodeSchema(bytes));
  for (size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_FALSE(DecodeSchema(std::span(bytes).first(i))) << i;
    std::vector<std::byte> changed = bytes;
    changed[i] ^= std::byte{4};
    EXPECT_FALSE(DecodeSchema(changed)) << i;
  }
}

}  // namespace
}  // namespace kchan::spool
