// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/genl_policy.h"

#include <gtest/gtest.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "tests/unit/source/netlink_testing.h"

namespace kchan::testing {
namespace {

using netlink::AddPolicies;
using netlink::FamilyPolicies;
using netlink::ParseAttributePolicy;

TEST(GenlPolicyTest, EveryBoundOfAnAttributeIsRead) {
  AttributeBytes bytes;
  bytes.U32(NL_POLICY_TYPE_ATTR_TYPE, NL_ATTR_TYPE_U32)
      .U64(NL_POLICY_TYPE_ATTR_MIN_VALUE_U, 1)
      .U64(NL_POLICY_TYPE_ATTR_MAX_VALUE_U, 4095)
      .Number<int64_t>(NL_POLICY_TYPE_ATTR_MIN_VALUE_S, -5)
      .Number<int64_t>(NL_POLICY_TYPE_ATTR_MAX_VALUE_S, 5)
      .U32(NL_POLICY_TYPE_ATTR_MIN_LENGTH, 2)
      .U32(NL_POLICY_TYPE_ATTR_MAX_LENGTH, 16)
      .U32(NL_POLICY_TYPE_ATTR_POLICY_IDX, 3)
      .U32(NL_POLICY_TYPE_ATTR_POLICY_MAXTYPE, 8)
      .U64(NL_POLICY_TYPE_ATTR_MASK, uint64_t{1} << 40);
  const auto policy = ParseAttributePolicy(bytes.bytes());
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(policy->kind, uint32_t{NL_ATTR_TYPE_U32});
  EXPECT_EQ(policy->min_value, 1u);
  EXPECT_EQ(policy->max_value, 4095u);
  EXPECT_EQ(policy->min_signed_value, -5);
  EXPECT_EQ(policy->max_signed_value, 5);
  EXPECT_EQ(policy->min_bytes, 2u);
  EXPECT_EQ(policy->max_bytes, 16u);
  EXPECT_EQ(policy->nested_policy, 3u);
  EXPECT_EQ(policy->nested_max_attribute, 8u);
  EXPECT_EQ(policy->mask, uint64_t{1} << 40);
}

TEST(GenlPolicyTest, ABitfieldsMaskHasHalfTheWidth) {
  const auto policy = ParseAttributePolicy(
      AttributeBytes().U32(NL_POLICY_TYPE_ATTR_BITFIELD32_MASK, 0x80000001).bytes());
  ASSERT_TRUE(policy.ok());
  EXPECT_EQ(policy->mask, 0x80000001u);
}

TEST(GenlPolicyTest, NumbersOfSeveralAnswersDoNotMix) {
  AttributeBytes attribute;
  attribute.U32(NL_POLICY_TYPE_ATTR_TYPE, NL_ATTR_TYPE_NESTED)
      .U32(NL_POLICY_TYPE_ATTR_POLICY_IDX, 1);
  AttributeBytes policy;
  policy.Nest(4, attribute);
  AttributeBytes policies;
  policies.Nest(0, policy);
  AttributeBytes of_operation;
  of_operation.U32(CTRL_ATTR_POLICY_DO, 0).U32(CTRL_ATTR_POLICY_DUMP, 1);
  AttributeBytes operations;
  operations.Nest(6, of_operation);
  AttributeBytes answer;
  answer.Nest(CTRL_ATTR_POLICY, policies).Nest(CTRL_ATTR_OP_POLICY, operations);

  FamilyPolicies all;
  ASSERT_TRUE(AddPolicies(answer.bytes(), 10, &all).ok());
  ASSERT_TRUE(all.policies.contains(10));
  EXPECT_EQ(all.policies[10][4].nested_policy, 11u);
  EXPECT_EQ(all.operations[6].do_policy, 10u);
  EXPECT_EQ(all.operations[6].dump_policy, 11u);
}

TEST(GenlPolicyTest, AForgedPolicyIsRefused) {
  FamilyPolicies all;
  AttributeBytes torn;
  torn.Header(60000, 1);
  for (const uint16_t type : {CTRL_ATTR_POLICY, CTRL_ATTR_OP_POLICY}) {
    EXPECT_FALSE(AddPolicies(AttributeBytes().Nest(type, torn).bytes(), 0, &all).ok()) << type;
  }
  EXPECT_FALSE(
      ParseAttributePolicy(AttributeBytes().U16(NL_POLICY_TYPE_ATTR_TYPE, 1).bytes()).ok());
}

TEST(GenlPolicyTest, AnAnswerCannotMakeUsKeepAnyNumberOfPolicies) {
  FamilyPolicies all;
  absl::Status status;
  for (uint32_t i = 0; i < 100'000 && status.ok(); ++i) {
    AttributeBytes policies;
    policies.Nest(0, AttributeBytes());
    status = AddPolicies(AttributeBytes().Nest(CTRL_ATTR_POLICY, policies).bytes(), i, &all);
  }
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
}

}  // namespace
}  // namespace kchan::testing
