// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "bridge/hub/subscription.h"

namespace kchan::hub {
namespace {

TEST(GlobTest, Matches) {
  struct Case {
    const char* glob;
    const char* name;
    bool matches;
  };
  for (const Case& c : {
           Case{"exec", "exec", true},
           Case{"exec", "exec2", false},
           Case{"exec2", "exec", false},
           Case{"*", "", true},
           Case{"*", "exec", true},
           Case{"e*", "exec", true},
           Case{"*c", "exec", true},
           Case{"*x*c*", "exec", true},
           Case{"*x*e", "exec", false},
           Case{"e**c", "exec", true},
           Case{"????", "exec", true},
           Case{"???", "exec", false},
           Case{"?????", "exec", false},
           Case{"net.*", "net.tcp", true},
           Case{"net.*", "net", false},
           Case{"cpu[0-3]", "cpu2", true},
           Case{"cpu[0-3]", "cpu4", false},
           Case{"[abc]x", "bx", true},
           Case{"[abc]x", "dx", false},
           Case{"[a-cx-z]", "y", true},
           Case{"[a-cx-z]", "d", false},
           Case{"[a-]", "-", true},
           Case{"[-a]", "-", true},
           Case{"[]]", "]", true},
           Case{"*[0-9]", "a1b2", true},
           Case{"*[0-9]", "a1b", false},
           Case{"a*b*c", "aXbXbXc", true},
           Case{"", "", true},
           Case{"", "x", false},
           Case{"?", "", false},
           Case{"*.*", "net.tcp", true},
           Case{"EXEC", "exec", false},
           Case{"*", "netlink/netdev/mgmt", false},
           Case{"netlink/*", "netlink/netdev/mgmt", false},
           Case{"netlink/*/*", "netlink/netdev/mgmt", true},
           Case{"*/*/m*t", "netlink/netdev/mgmt", true},
           Case{"netlink?netdev", "netlink/netdev", false},
           Case{"netlink[/]netdev", "netlink/netdev", false},
           Case{"a*/*b", "a1/2b", true},
           Case{"a*/*b", "a1/2b/b", false},
       }) {
    EXPECT_EQ(GlobMatches(c.glob, c.name), c.matches) << c.glob << " " << c.name;
  }
}

TEST(GlobTest, ChecksWhatCannotBeMeant) {
  for (const char* good : {"*", "exec", "cpu[0-9]", "[]]", "[a-]", "[-a]", "a[b]c[d-e]"}) {
    EXPECT_TRUE(CheckGlob(good).ok()) << good;
  }
  for (const char* bad : {"", "[", "a[bc", "[]", "[!a]", "[^a]", "[z-a]", "[a-b"}) {
    EXPECT_EQ(CheckGlob(bad).code(), absl::StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_FALSE(CheckGlob(std::string(257, 'a')).ok());
}

TEST(GlobTest, UncheckedGarbageMatchesNothing) {
  for (const char* bad : {"[", "[a", "a[", "[]"}) EXPECT_FALSE(GlobMatches(bad, "a")) << bad;
}

// A pattern that takes exponential time in a naive matcher.
TEST(GlobTest, ManyStarsStayQuick) {
  std::string glob;
  for (int i = 0; i < 60; ++i) glob += "*a";
  glob += "*b";
  EXPECT_FALSE(GlobMatches(glob, std::string(200, 'a')));
}

TEST(GlobTest, LiteralHasNoWildcard) {
  EXPECT_TRUE(GlobIsLiteral("net.tcp"));
  for (const char* glob : {"*", "a?", "[a]"}) EXPECT_FALSE(GlobIsLiteral(glob));
}

}  // namespace
}  // namespace kchan::hub
