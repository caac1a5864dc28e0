// SPDX-License-Identifier: Apache-2.0
#include "bridge/security/identity.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"

namespace kchan::security {
namespace {

using ::testing::ElementsAre;

TEST(IdentityTest, UrisComeBeforeDnsNamesAndAllCount) {
  const Identity identity =
      OfCertificate({"spiffe://fleet/a", "https://x/y"}, {"a.example", "b.example"}, "alice");
  EXPECT_THAT(identity.names,
              ElementsAre("spiffe://fleet/a", "uri:https://x/y", "dns:a.example", "dns:b.example"));
  EXPECT_EQ(identity.name(), "spiffe://fleet/a");
  EXPECT_TRUE(identity.has_certificate);
}

TEST(IdentityTest, CommonNameCountsOnlyWithoutAlternativeNames) {
  EXPECT_THAT(OfCertificate({}, {}, "alice").names, ElementsAre("cn:alice"));
  EXPECT_THAT(OfCertificate({}, {"a.example"}, "alice").names, ElementsAre("dns:a.example"));
}

TEST(IdentityTest, CertificateCannotHaveTheNameOfASocket) {
  EXPECT_THAT(OfCertificate({"unix:control"}, {}, "").names, ElementsAre("uri:unix:control"));
  EXPECT_THAT(OfCertificate({}, {"unix:control"}, "").names, ElementsAre("dns:unix:control"));
  EXPECT_THAT(OfCertificate({}, {}, "spiffe://fleet/a").names, ElementsAre("cn:spiffe://fleet/a"));
}

TEST(IdentityTest, BytesThatEndALineOrATextAreEscaped) {
  const std::string nul("good\0.evil", 10);
  EXPECT_THAT(OfCertificate({}, {nul, "a\nb"}, "").names,
              ElementsAre("dns:good\\000.evil", "dns:a\\nb"));
}

TEST(IdentityTest, CertificateWithoutANameIsNobodyInParticular) {
  const Identity identity = OfCertificate({}, {}, "");
  ASSERT_EQ(identity.names.size(), 1u);
  EXPECT_FALSE(CheckIdentityGlob(identity.name()).ok()) << "a rule could name it";
  EXPECT_TRUE(identity.has_certificate);
}

TEST(IdentityTest, NamesAreBoundedInNumberAndLength) {
  const std::vector<std::string> many(1000, "a.example");
  EXPECT_EQ(OfCertificate({}, many, "").names.size(), 64u);
  EXPECT_THAT(OfCertificate({}, {std::string(5000, 'a'), "b"}, "").names, ElementsAre("dns:b"));
}

TEST(IdentityTest, MemberOfARoleBeginsWithItsKind) {
  for (const char* good : {"spiffe://fleet/*", "uri:https://x", "dns:*.example", "cn:alice",
                           "unix:read", "anonymous:tls"}) {
    EXPECT_TRUE(CheckIdentityGlob(good).ok()) << good;
  }
  for (const char* bad : {"", "alice", "*", "spiffe://", "cn:", "dns", "cn:[a"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckIdentityGlob(bad))) << bad;
  }
}

}  // namespace
}  // namespace kchan::security
