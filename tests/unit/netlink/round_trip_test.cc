// SPDX-License-Identifier: Apache-2.0
// For random values of every attribute of every spec of the kernel: what is
// encoded and decoded again is the same.
#include <string>

#include "bridge/netlink/spec/byte_text.h"
#include "bridge/netlink/spec/decode.h"
#include "bridge/netlink/spec/encode.h"
#include "gtest/gtest.h"
#include "netlink_testing.h"
#include "random_values.h"

namespace kchan::netlink {
namespace {

using JsonObject = google::protobuf::Struct;

constexpr int kRuns = 40;

class RoundTripTest : public testing::Test {
 protected:
  // Whether `values` come back; and, encoded again, as the same bytes.
  static void Check(const Layout& layout, const JsonObject& values) {
    const auto bytes = Encode(layout, values);
    ASSERT_TRUE(bytes.ok()) << bytes.status() << "\n" << Text(values);
    const JsonObject decoded = Decode(layout, AsBytes(*bytes));
    ASSERT_EQ(Text(decoded), Text(values)) << HexText(*bytes);
    const auto again = Encode(layout, decoded);
    ASSERT_TRUE(again.ok()) << again.status();
    ASSERT_EQ(HexText(*again), HexText(*bytes));
  }
};

bool HasValue(const Attribute& attribute) {
  return attribute.format.type != ValueType::kPad && attribute.format.type != ValueType::kUnused;
}

// A set in which a sub-message finds its selector, which else is further out.
AttributeSet WithSelector(const AttributeSet& set, const Attribute& attribute) {
  AttributeSet with = set;
  if (attribute.selector.empty() || set.Find(attribute.selector) != nullptr) return with;
  Attribute selector;
  selector.name = attribute.selector;
  selector.number = 0x3ffe;
  selector.format.type = ValueType::kString;
  with.attributes.push_back(selector);
  EXPECT_TRUE(with.IndexByNumber());
  return with;
}

TEST_F(RoundTripTest, EveryAttributeOfEverySpecComesBackAsItWas) {
  size_t attributes = 0;
  size_t empty = 0;
  for (const std::string& name : KernelSpecs().names()) {
    for (const AttributeSet& each : KernelSpec(name).attribute_sets()) {
      for (const Attribute& attribute : each.attributes) {
        SCOPED_TRACE(name + " " + each.name + "." + attribute.name);
        ++(HasValue(attribute) ? attributes : empty);
        const AttributeSet set = WithSelector(each, attribute);
        RandomValues random(/*seed=*/attributes);
        for (int run = 0; run < kRuns; ++run) {
          JsonObject values;
          random.Add(set, attribute, /*depth=*/0, &values);
          ASSERT_EQ(values.fields().contains(attribute.name), HasValue(attribute));
          Check({nullptr, &set}, values);
          if (HasFatalFailure()) return;
        }
      }
    }
  }
  EXPECT_GT(attributes, 2000U);
  std::printf("%zu attributes, %d values of each; %zu more are padding or unused\n", attributes,
              kRuns, empty);
}

TEST_F(RoundTripTest, EveryOperationsMessageComesBackWithItsFixedHeader) {
  for (const std::string& name : KernelSpecs().names()) {
    uint64_t seed = 1;
    for (const Operation& operation : KernelSpec(name).operations()) {
      SCOPED_TRACE(name + " " + operation.name);
      RandomValues random(seed++);
      for (int run = 0; run < kRuns; ++run) {
        JsonObject values;
        if (operation.layout.fixed_header != nullptr) {
          values = Decode({operation.layout.fixed_header, nullptr},
                          AsBytes(std::string(operation.layout.fixed_header->size_bytes, '\x51')));
          values = Decode(operation.layout,
                          AsBytes(*Encode({operation.layout.fixed_header, nullptr}, values)));
        }
        const AttributeSet* set = operation.layout.attributes;
        for (uint64_t i = 0; set != nullptr && i < 5; ++i) {
          random.Add(*set, set->attributes[random.Below(set->attributes.size())], 0, &values);
        }
        Check(operation.layout, values);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_F(RoundTripTest, EveryStructComesBackWhateverItsBytes) {
  for (const std::string& name : KernelSpecs().names()) {
    for (const Struct& structure : KernelSpec(name).structs()) {
      SCOPED_TRACE(name + " " + structure.name);
      Attribute attribute;
      attribute.name = "it";
      attribute.number = 1;
      attribute.format.type = ValueType::kBinary;
      attribute.structure = &structure;
      AttributeSet set;
      set.attributes = {attribute};
      ASSERT_TRUE(set.IndexByNumber());
      RandomValues random(/*seed=*/7);
      for (int run = 0; run < kRuns; ++run) {
        JsonObject values;
        random.Add(set, set.attributes[0], 0, &values);
        Check({nullptr, &set}, values);
        if (HasFatalFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace kchan::netlink
