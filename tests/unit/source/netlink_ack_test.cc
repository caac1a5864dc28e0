// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/netlink_ack.h"

#include <gtest/gtest.h>
#include <linux/genetlink.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "bridge/netlink/genl_message.h"
#include "tests/unit/source/netlink_testing.h"

namespace kchan::testing {
namespace {

using netlink::GenlRequest;
using netlink::NetlinkAck;
using netlink::ParseAck;

constexpr uint16_t kFirst = 9;
constexpr uint16_t kSecond = 30;

const char* NameOf(uint16_t type) { return type == kSecond ? "SECOND" : "OTHER"; }

class NetlinkAckTest : public ::testing::Test {
 protected:
  NetlinkAckTest() : request_(40, 1, 1) {
    request_.PutString(kFirst, "some name");
    request_.PutU32(kSecond, 7);
  }

  // NLMSG_ERROR with `error`, an echo of `echoed` bytes of our request, and
  // `attributes`.
  NetlinkAck Parse(int error, size_t echoed, const AttributeBytes& attributes, uint16_t flags) {
    std::vector<std::byte> payload(sizeof(int32_t));
    std::memcpy(payload.data(), &error, sizeof(int32_t));
    const auto request = request_.bytes();
    payload.insert(payload.end(), request.begin(),
                   request.begin() + static_cast<ptrdiff_t>(echoed));
    payload.insert(payload.end(), attributes.bytes().begin(), attributes.bytes().end());
    NetlinkAck ack;
    const nlmsghdr header{.nlmsg_len = 0,
                          .nlmsg_type = NLMSG_ERROR,
                          .nlmsg_flags = flags,
                          .nlmsg_seq = 0,
                          .nlmsg_pid = 0};
    EXPECT_TRUE(ParseAck(header, payload, request, &ack).ok());
    return ack;
  }

  GenlRequest request_;
};

constexpr uint32_t kSecondOffset = NLMSG_HDRLEN + GENL_HDRLEN + 16;  // header, "some name\0", pad

TEST_F(NetlinkAckTest, AnAcknowledgementIsNoError) {
  const NetlinkAck ack = Parse(0, sizeof(nlmsghdr), {}, NLM_F_CAPPED);
  EXPECT_EQ(ack.error, 0);
  EXPECT_TRUE(AckStatus(ack, "x", NameOf).ok());
}

TEST_F(NetlinkAckTest, TheKernelsWordsAndTheAttributeItMeansAreKept) {
  const AttributeBytes attributes = AttributeBytes()
                                        .String(NLMSGERR_ATTR_MSG, "out of range")
                                        .U32(NLMSGERR_ATTR_OFFS, kSecondOffset);
  const NetlinkAck ack =
      Parse(-ERANGE, sizeof(nlmsghdr), attributes, NLM_F_CAPPED | NLM_F_ACK_TLVS);
  EXPECT_EQ(ack.error, ERANGE);
  EXPECT_EQ(ack.message, "out of range");
  EXPECT_EQ(ack.bad_attribute, kSecond);
  const absl::Status status = AckStatus(ack, "setting", NameOf);
  EXPECT_TRUE(absl::IsOutOfRange(status)) << status;
  EXPECT_NE(status.message().find("setting: out of range (attribute SECOND)"),
            absl::string_view::npos)
      << status;
}

TEST_F(NetlinkAckTest, AnEchoOfTheWholeRequestIsSkipped) {
  const AttributeBytes attributes =
      AttributeBytes().String(NLMSGERR_ATTR_MSG, "no").U32(NLMSGERR_ATTR_MISS_TYPE, kSecond);
  const NetlinkAck ack = Parse(-EINVAL, request_.bytes().size(), attributes, NLM_F_ACK_TLVS);
  EXPECT_EQ(ack.message, "no");
  EXPECT_EQ(ack.missing_attribute, kSecond);
}

TEST_F(NetlinkAckTest, AnOffsetThatIsNoAttributesIsLeftOut) {
  for (const uint32_t offset : {0u, 16u, 4096u, 0xffffffffu}) {
    const NetlinkAck ack =
        Parse(-EINVAL, sizeof(nlmsghdr), AttributeBytes().U32(NLMSGERR_ATTR_OFFS, offset),
              NLM_F_CAPPED | NLM_F_ACK_TLVS);
    EXPECT_EQ(ack.bad_attribute, std::nullopt) << offset;
  }
}

TEST_F(NetlinkAckTest, AForgedEchoLengthReadsNothingBeyondTheMessage) {
  std::vector<std::byte> payload(sizeof(nlmsgerr));
  nlmsgerr error{};
  error.error = -EPERM;
  error.msg.nlmsg_len = 0xfffffff0;
  std::memcpy(payload.data(), &error, sizeof(error));
  NetlinkAck ack;
  const nlmsghdr header{.nlmsg_len = 0,
                        .nlmsg_type = NLMSG_ERROR,
                        .nlmsg_flags = NLM_F_ACK_TLVS,
                        .nlmsg_seq = 0,
                        .nlmsg_pid = 0};
  EXPECT_TRUE(ParseAck(header, payload, request_.bytes(), &ack).ok());
  EXPECT_EQ(ack.error, EPERM);
}

TEST_F(NetlinkAckTest, ADumpsEndMayBeBareOrCarryAnError) {
  NetlinkAck ack;
  const nlmsghdr header{
      .nlmsg_len = 0, .nlmsg_type = NLMSG_DONE, .nlmsg_flags = 0, .nlmsg_seq = 0, .nlmsg_pid = 0};
  EXPECT_TRUE(ParseAck(header, {}, {}, &ack).ok());
  EXPECT_EQ(ack.error, 0);
  const int32_t error = -EBUSY;
  EXPECT_TRUE(ParseAck(header, std::as_bytes(std::span(&error, 1)), {}, &ack).ok());
  EXPECT_EQ(ack.error, EBUSY);
}

TEST_F(NetlinkAckTest, ATooShortAcknowledgementIsRefused) {
  NetlinkAck ack;
  const nlmsghdr header{
      .nlmsg_len = 0, .nlmsg_type = NLMSG_ERROR, .nlmsg_flags = 0, .nlmsg_seq = 0, .nlmsg_pid = 0};
  const std::vector<std::byte> payload(sizeof(nlmsgerr) - 1);
  EXPECT_FALSE(ParseAck(header, payload, {}, &ack).ok());
}

TEST(GenlRequestTest, WhatDoesNotFitIsNoticed) {
  GenlRequest request(40, 1, 1, NLM_F_ACK, 256);
  request.PutBytes(1, std::vector<std::byte>(300));
  EXPECT_TRUE(request.bytes().empty());
  // An attribute's length has 16 bits.
  GenlRequest long_request(40, 1, 1, NLM_F_ACK, 1 << 20);
  long_request.PutBytes(1, std::vector<std::byte>(65536));
  EXPECT_TRUE(long_request.bytes().empty());
}

TEST(GenlMessageTest, ADatagramCutAnywhereIsHarmless) {
  GenlRequest request(40, 1, 1);
  request.PutString(1, "something");
  const auto whole = request.bytes();
  std::vector<std::byte> two(whole.begin(), whole.end());
  two.insert(two.end(), whole.begin(), whole.end());
  for (size_t length = 0; length <= two.size(); ++length) {
    const std::vector<std::byte> cut(two.begin(), two.begin() + static_cast<ptrdiff_t>(length));
    size_t messages = 0;
    const absl::Status status =
        netlink::VisitMessages(cut, [&](const nlmsghdr& header, auto bytes) {
          ++messages;
          netlink::GenlMessage message;
          return netlink::ParseGenlMessage(header, bytes, &message);
        });
    EXPECT_EQ(messages, length / whole.size());
    EXPECT_EQ(status.ok(), length % whole.size() == 0) << length;
  }
}

}  // namespace
}  // namespace kchan::testing
