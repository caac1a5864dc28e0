// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/request_message.h"

#include <gtest/gtest.h>
#include <linux/netlink.h>

#include <cstring>

namespace kchan::testing {
namespace {

using netlink::AppendContent;
using netlink::RequestMessage;

nlmsghdr HeaderOf(const std::vector<std::byte>& message) {
  nlmsghdr header;
  std::memcpy(&header, message.data(), sizeof(header));
  return header;
}

TEST(RequestMessageTest, HasNoFlagThatAStrictOperationRefuses) {
  EXPECT_EQ(HeaderOf(RequestMessage(30, false).Finish()).nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
  EXPECT_EQ(HeaderOf(RequestMessage(30, true).Finish()).nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
}

TEST(RequestMessageTest, ItsLengthIsThatOfAll) {
  RequestMessage message(30, false);
  ASSERT_TRUE(AppendContent(nullptr, std::string(8, 'x'), nullptr, 0, message).ok());
  const auto bytes = std::move(message).Finish();
  EXPECT_EQ(HeaderOf(bytes).nlmsg_len, NLMSG_HDRLEN + 8u);
  EXPECT_EQ(bytes.size(), NLMSG_HDRLEN + 8u);
}

TEST(RequestMessageTest, WithoutContentTheFamilysHeaderIsZeros) {
  RequestMessage message(30, true);
  ASSERT_TRUE(AppendContent(nullptr, {}, nullptr, 6, message).ok());
  EXPECT_EQ(message.size(), NLMSG_HDRLEN + 8u) << "aligned";
}

TEST(RequestMessageTest, ContentWithoutBoundIsRefused) {
  RequestMessage message(30, false);
  const absl::Status status =
      AppendContent(nullptr, std::string((128 << 10) + 1, 'x'), nullptr, 0, message);
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
}

}  // namespace
}  // namespace kchan::testing
