// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/schema.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <vector>

namespace kchan::hub {
namespace {

Schema Sample() {
  return {.id = 0,
          .byte_order = ByteOrder::kLittle,
          .types = {{.id = 1,
                     .name = "exec",
                     .documentation = "a program started",
                     .direction = Direction::kToUser,
                     .size_bytes = 24,
                     .fields = {{.name = "pid",
                                 .kind = 3,
                                 .display = 1,
                                 .offset = 0,
                                 .size_bytes = 4,
                                 .unit = "",
                                 .documentation = "its process",
                                 .names = {{.value = 1, .name = "init"}},
                                 .members = {}}}}}};
}

TEST(SchemaTest, IdIsThatOfTheContent) {
  Schema schema = Sample();
  const uint64_t id = SchemaId(schema);
  EXPECT_NE(id, 0u);
  EXPECT_EQ(SchemaId(Sample()), id);
  schema.id = 12345;
  EXPECT_EQ(SchemaId(schema), id) << "not of itself";
}

// Daemons must agree on it, also an old and a new one: if this fails, clients
// that keep schemas by id see new ones for old records.
TEST(SchemaTest, IdIsStableAcrossVersions) { EXPECT_EQ(SchemaId(Sample()), 4342021869805677990u); }

TEST(SchemaTest, EveryPartChangesTheId) {
  const std::vector<std::function<void(Schema&)>> changes = {
      [](Schema& s) { s.byte_order = ByteOrder::kBig; },
      [](Schema& s) { s.types.push_back({}); },
      [](Schema& s) { s.types.clear(); },
      [](Schema& s) { s.types[0].id = 2; },
      [](Schema& s) { s.types[0].name = "exit"; },
      [](Schema& s) { s.types[0].documentation = ""; },
      [](Schema& s) { s.types[0].direction = Direction::kBoth; },
      [](Schema& s) { s.types[0].size_bytes = 25; },
      [](Schema& s) { s.types[0].fields.clear(); },
      [](Schema& s) { s.types[0].fields[0].name = "tid"; },
      [](Schema& s) { s.types[0].fields[0].kind = 4; },
      [](Schema& s) { s.types[0].fields[0].display = 2; },
      [](Schema& s) { s.types[0].fields[0].offset = 4; },
      [](Schema& s) { s.types[0].fields[0].size_bytes = 8; },
      [](Schema& s) { s.types[0].fields[0].unit = "ns"; },
      [](Schema& s) { s.types[0].fields[0].documentation = "x"; },
      [](Schema& s) { s.types[0].fields[0].names[0].value = 2; },
      [](Schema& s) { s.types[0].fields[0].names[0].name = "x"; },
      [](Schema& s) { s.types[0].fields[0].writable = true; },
      [](Schema& s) { s.types[0].fields[0].element_bytes = 4; },
      [](Schema& s) { s.types[0].fields[0].members.push_back({}); },
      // The same characters, cut elsewhere.
      [](Schema& s) {
        s.types[0].name = "exe";
        s.types[0].documentation = "ca program started";
      },
  };
  std::set<uint64_t> ids{SchemaId(Sample())};
  for (const auto& change : changes) {
    Schema schema = Sample();
    change(schema);
    EXPECT_TRUE(ids.insert(SchemaId(schema)).second) << ids.size();
  }
}

TEST(SchemaTest, FindsTypesById) {
  const Schema schema = Sample();
  ASSERT_NE(schema.FindType(1), nullptr);
  EXPECT_EQ(schema.FindType(1)->name, "exec");
  EXPECT_EQ(schema.FindType(2), nullptr);
}

}  // namespace
}  // namespace kchan::hub
