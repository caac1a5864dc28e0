// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/spec/attribute_path.h"

#include <string>

#include "bridge/netlink/spec/byte_text.h"
#include "bridge/netlink/spec/encode.h"
#include "gtest/gtest.h"
#include "netlink_testing.h"

namespace kchan::netlink {
namespace {

class AttributePathTest : public testing::Test {
 protected:
  void Request(std::string_view family, std::string_view operation, const std::string& json) {
    layout_ = KernelSpec(family).FindOperation(operation)->layout;
    const auto bytes = Encode(layout_, Json(json));
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    bytes_ = *bytes;
  }
  std::string At(size_t offset) const { return PathAt(layout_, AsBytes(bytes_), offset); }
  std::string Missing(uint16_t number, std::optional<size_t> nest) const {
    return MissingPath(layout_, AsBytes(bytes_), number, nest);
  }

  Layout layout_;
  std::string bytes_;
};

TEST_F(AttributePathTest, AnOffsetIsTheDeepestAttributeThereIs) {
  Request("ethtool", "rings-set", R"({"header": {"dev-index": 1, "flags": 4}, "rx": 5})");
  EXPECT_EQ(At(0), "header");
  EXPECT_EQ(At(4), "header.dev-index");
  EXPECT_EQ(At(12), "header.flags");
  EXPECT_EQ(At(16), "header.flags") << "its payload";
  EXPECT_EQ(At(20), "rx");
  EXPECT_EQ(At(28), "") << "behind the request";
  EXPECT_EQ(At(1U << 30), "");
}

TEST_F(AttributePathTest, AMultiAttributeAndAnArrayHaveAPlace) {
  Request("ethtool", "features-set",
          R"({"wanted": {"bits": {"bit": [{"index": 1}, {"index": 2, "value": true}]}}})");
  // wanted 0, bits 4, bit[0] 8, its index 12, bit[1] 20, its index 24, its value 32
  EXPECT_EQ(At(20), "wanted.bits.bit[1]");
  EXPECT_EQ(At(32), "wanted.bits.bit[1].value");
  Request("nlctrl", "getfamily", R"({"ops": [{"id": 1}, {"id": 2, "flags": 3}]})");
  // ops 0, [0] 4, id 8, [1] 16, id 20, flags 28
  EXPECT_EQ(At(16), "ops[1]");
  EXPECT_EQ(At(28), "ops[1].flags");
}

TEST_F(AttributePathTest, TheFixedHeaderHasMembers) {
  Request("rt-addr", "newaddr", R"({"ifa-index": 1, "ifa-local": "10.0.0.1"})");
  EXPECT_EQ(At(0), "ifa-family");
  EXPECT_EQ(At(5), "ifa-index");
  EXPECT_EQ(At(8), "ifa-local");
}

TEST_F(AttributePathTest, ASubMessageIsNamedByItsFormat) {
  Request("rt-link", "newlink",
          R"({"linkinfo": {"kind": "bridge", "data": {"hello-time": 1, "forward-delay": 2}}})");
  // header 16, linkinfo 16, kind 20 (12 long), data 32, forward-delay 36, hello-time 44
  EXPECT_EQ(At(32), "linkinfo.data");
  EXPECT_EQ(At(36), "linkinfo.data.forward-delay");
  EXPECT_EQ(At(44), "linkinfo.data.hello-time");
}

TEST_F(AttributePathTest, AMissingAttributeIsNamedInItsNest) {
  Request("ethtool", "rings-set", R"({"header": {"flags": 4}, "rx": 5})");
  EXPECT_EQ(Missing(1, std::nullopt), "header");
  EXPECT_EQ(Missing(2, 0), "header.dev-name");
  EXPECT_EQ(Missing(99, 0), "header.#99");
  Request("nlctrl", "getfamily", R"({"ops": [{"flags": 3}]})");
  EXPECT_EQ(Missing(1, 4), "ops[0].id");
}

TEST_F(AttributePathTest, WithoutASpecThereAreNumbers) {
  bytes_ = Attr(0x8000 | 7, Attr(8, "abcd")) + Attr(9, "x");
  EXPECT_EQ(At(4), "#7.#8");
  EXPECT_EQ(At(12), "#9");
  EXPECT_EQ(Missing(3, 0), "#7.#3");
}

}  // namespace
}  // namespace kchan::netlink
