// SPDX-License-Identifier: Apache-2.0
#include "bridge/security/policy_file.h"

#include <string>

#include "gtest/gtest.h"

namespace kchan::security {
namespace {

// Where and in which field the mistake is.
std::string MistakeOf(const std::string& text) {
  const auto policy = ParsePolicy(text, "p");
  EXPECT_TRUE(absl::IsInvalidArgument(policy.status())) << text;
  return std::string(policy.status().message());
}

#define EXPECT_MISTAKE(text, begin) \
  EXPECT_EQ(MistakeOf(text).substr(0, std::string(begin).size()), begin)

constexpr char kRole[] = "roles { name: \"a\" members: \"cn:a\" }\n";

TEST(PolicyFileTest, MistakeIsNamedWithItsPlaceAndField) {
  EXPECT_MISTAKE("roles {\n  nam: \"a\"\n}", "p:2:");
  EXPECT_MISTAKE("roles {\n  name: \"A\" members: \"cn:a\" }", "p:2:3: roles[0].name: 'A' ");
  EXPECT_MISTAKE("roles { name: \"a\" }", "p:1:1: roles[0].members: at least one");
  EXPECT_MISTAKE("roles { name: \"a\" members: \"alice\" }", "p:1:19: roles[0].members[0]: ");
  EXPECT_MISTAKE(std::string(kRole) + kRole, "p:2:9: roles[1].name: there is another");
  EXPECT_MISTAKE("rules { read: \"*\" }", "p:1:1: rules[0].roles: at least one");
  EXPECT_MISTAKE("rules { roles: \"b\" read: \"*\" }",
                 "p:1:9: rules[0].roles[0]: there is no role");
  EXPECT_MISTAKE(std::string(kRole) + "rules { roles: \"a\" }", "p:2:1: rules[0]: allows nothing");
  EXPECT_MISTAKE(std::string(kRole) + "rules { roles: \"a\" read: \"[a\" }",
                 "p:2:20: rules[0].read[0]: ");
  EXPECT_MISTAKE(std::string(kRole) + "rules { roles: \"a\" netlink { } }",
                 "p:2:20: rules[0].netlink[0]: allows nothing");
  EXPECT_MISTAKE(std::string(kRole) + "rules { roles: \"a\" netlink { read: \"a:\" } }",
                 "p:2:30: rules[0].netlink[0].read[0]: ");
  EXPECT_MISTAKE("unix_sockets: 9", "p:1:1: unix_sockets: ");
}

TEST(PolicyFileTest, MemberWithoutEffectIsAMistake) {
  EXPECT_NE(MistakeOf("roles { name: \"a\" members: \"unix:read\" }").find("BY_POLICY"),
            std::string::npos);
}

TEST(PolicyFileTest, MissingFileIsNamed) {
  const auto policy = ReadPolicy("/no/such/policy");
  EXPECT_TRUE(absl::IsNotFound(policy.status())) << policy.status();
  EXPECT_NE(policy.status().message().find("/no/such/policy"), std::string::npos);
}

TEST(PolicyFileTest, FolderIsNoPolicy) { EXPECT_FALSE(ReadPolicy("/").ok()); }

}  // namespace
}  // namespace kchan::security
