// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/genl_family.h"

#include <gtest/gtest.h>
#include <linux/genetlink.h>

#include "tests/unit/source/netlink_testing.h"

namespace kchan::testing {
namespace {

using netlink::GenlFamily;
using netlink::ParseFamily;

AttributeBytes Named() {
  AttributeBytes bytes;
  bytes.U16(CTRL_ATTR_FAMILY_ID, 30).String(CTRL_ATTR_FAMILY_NAME, "gadget");
  return bytes;
}

AttributeBytes Operation(uint32_t command, uint32_t flags) {
  AttributeBytes bytes;
  bytes.U32(CTRL_ATTR_OP_ID, command).U32(CTRL_ATTR_OP_FLAGS, flags);
  return bytes;
}

TEST(GenlFamilyTest, EverythingThatNlctrlTellsIsRead) {
  AttributeBytes operations;
  operations.Nest(1, Operation(7, GENL_CMD_CAP_DUMP)).Nest(2, Operation(2, GENL_ADMIN_PERM));
  AttributeBytes group;
  group.String(CTRL_ATTR_MCAST_GRP_NAME, "monitor").U32(CTRL_ATTR_MCAST_GRP_ID, 9);
  AttributeBytes groups;
  groups.Nest(1, group);
  AttributeBytes bytes = Named();
  bytes.U32(CTRL_ATTR_VERSION, 2)
      .U32(CTRL_ATTR_HDRSIZE, 4)
      .U32(CTRL_ATTR_MAXATTR, 12)
      .Nest(CTRL_ATTR_OPS, operations)
      .Nest(CTRL_ATTR_MCAST_GROUPS, groups)
      .U32(999, 1);  // of a kernel to come

  const auto family = ParseFamily(bytes.bytes());
  ASSERT_TRUE(family.ok()) << family.status();
  EXPECT_EQ(family->name, "gadget");
  EXPECT_EQ(family->id, 30);
  EXPECT_EQ(family->version, 2);
  EXPECT_EQ(family->header_bytes, 4u);
  EXPECT_EQ(family->max_attribute, 12u);
  ASSERT_EQ(family->operations.size(), 2u);
  EXPECT_EQ(family->operations[0].command, 2u) << "in order of number";
  ASSERT_NE(family->FindOperation(7), nullptr);
  EXPECT_EQ(family->FindOperation(7)->flags, uint32_t{GENL_CMD_CAP_DUMP});
  EXPECT_EQ(family->FindOperation(8), nullptr);
  EXPECT_EQ(*family->FindGroup("monitor"), 9u);
}

TEST(GenlFamilyTest, AForgedNestIsRefused) {
  AttributeBytes torn;
  torn.Header(200, 1);  // claims more than there is
  for (const uint16_t type : {CTRL_ATTR_OPS, CTRL_ATTR_MCAST_GROUPS}) {
    EXPECT_FALSE(ParseFamily(Named().Nest(type, torn).bytes()).ok()) << type;
  }
  AttributeBytes odd;
  odd.U16(CTRL_ATTR_OP_ID, 1);  // two bytes, not four
  AttributeBytes operations;
  operations.Nest(1, odd);
  EXPECT_FALSE(ParseFamily(Named().Nest(CTRL_ATTR_OPS, operations).bytes()).ok());
}

TEST(GenlFamilyTest, AFamilyWithoutANameOrAnIdIsNone) {
  EXPECT_FALSE(ParseFamily(AttributeBytes().U16(CTRL_ATTR_FAMILY_ID, 30).bytes()).ok());
  EXPECT_FALSE(ParseFamily(AttributeBytes().String(CTRL_ATTR_FAMILY_NAME, "x").bytes()).ok());
}

}  // namespace
}  // namespace kchan::testing
