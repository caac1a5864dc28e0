// SPDX-License-Identifier: Apache-2.0
// A request's JSON is anything, under names that its spec knows: it is encoded,
// or refused with a path and a reason. What is encoded can be decoded.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "bridge/netlink/spec/byte_text.h"
#include "bridge/netlink/spec/decode.h"
#include "bridge/netlink/spec/encode.h"
#include "netlink_testing.h"

namespace {

using google::protobuf::Struct;
using google::protobuf::Value;
namespace netlink = kchan::netlink;

constexpr const char* kWords[] = {"@raw",
                                  "@header",
                                  "@rest",
                                  "@index",
                                  "@value",
                                  "@bytes",
                                  "type",
                                  "bytes",
                                  "nested",
                                  "attributes",
                                  "net-byte-order",
                                  "value",
                                  "selector",
                                  "10.0.0.1",
                                  "fd00::1",
                                  "0a0b",
                                  "0x7f",
                                  "-1",
                                  "bridge",
                                  "18446744073709551615",
                                  "02:00:00:00:00:01",
                                  "u32",
                                  "flower",
                                  "",
                                  "htb",
                                  "policy-id"};

// Names of one spec, and words that mean something.
class Names {
 public:
  explicit Names(const netlink::Spec& spec) : names_(std::begin(kWords), std::end(kWords)) {
    for (const auto& set : spec.attribute_sets()) {
      for (const auto& attribute : set.attributes) names_.push_back(attribute.name);
    }
    for (const auto& each : spec.structs()) {
      for (const auto& member : each.members) names_.push_back(member.name);
    }
    for (const auto& each : spec.enums()) {
      for (const auto& entry : each.entries) names_.push_back(entry.name);
    }
  }
  std::string Any(FuzzedDataProvider* input) const {
    if (input->ConsumeIntegralInRange(0, 15) == 0) return input->ConsumeRandomLengthString(8);
    return names_[input->ConsumeIntegralInRange<size_t>(0, names_.size() - 1)];
  }

 private:
  std::vector<std::string> names_;
};

// Of the attributes of `set`, where it is known, which makes deep requests likely.
void Fill(const netlink::AttributeSet* set, const Names& names, FuzzedDataProvider* input,
          int depth, Struct* values);

Value AnyValue(const netlink::AttributeSet* set, const Names& names, FuzzedDataProvider* input,
               int depth) {
  Value value;
  switch (input->ConsumeIntegralInRange(0, depth > 40 ? 3 : 6)) {
    case 0:
      value.set_null_value({});
      break;
    case 1:
      value.set_bool_value(input->ConsumeBool());
      break;
    case 2:
      value.set_number_value(input->ConsumeBool() ? input->ConsumeIntegral<int16_t>()
                                                  : input->ConsumeFloatingPoint<double>());
      break;
    case 3:
      value.set_string_value(names.Any(input));
      break;
    case 4: {
      auto* list = value.mutable_list_value();
      for (int i = input->ConsumeIntegralInRange(0, 4); i > 0 && input->remaining_bytes() > 0;
           --i) {
        *list->add_values() = AnyValue(set, names, input, depth + 1);
      }
      break;
    }
    default:
      Fill(set, names, input, depth + 1, value.mutable_struct_value());
  }
  return value;
}

void Fill(const netlink::AttributeSet* set, const Names& names, FuzzedDataProvider* input,
          int depth, Struct* values) {
  for (int i = input->ConsumeIntegralInRange(0, 5); i > 0 && input->remaining_bytes() > 0; --i) {
    const bool is_of_set = set != nullptr && !set->attributes.empty() && input->ConsumeBool();
    if (!is_of_set) {
      (*values->mutable_fields())[names.Any(input)] = AnyValue(nullptr, names, input, depth);
      continue;
    }
    const auto& attribute =
        set->attributes[input->ConsumeIntegralInRange<size_t>(0, set->attributes.size() - 1)];
    (*values->mutable_fields())[attribute.name] = AnyValue(attribute.nested, names, input, depth);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider input(data, size);
  static const std::vector<std::string>* const kFamilies =
      new std::vector<std::string>(netlink::KernelSpecs().names());
  const auto& spec = netlink::KernelSpec(
      (*kFamilies)[input.ConsumeIntegralInRange<size_t>(0, kFamilies->size() - 1)]);
  const auto& operations = spec.operations();
  const netlink::Layout& layout =
      operations[input.ConsumeIntegralInRange<size_t>(0, operations.size() - 1)].layout;
  Struct values;
  Fill(layout.attributes, Names(spec), &input, 0, &values);
  const auto bytes = netlink::Encode(layout, values);
  if (!bytes.ok()) {
    if (bytes.status().message().empty()) std::abort();
    return 0;
  }
  const auto decoded = netlink::Decode(layout, netlink::AsBytes(*bytes));
  if (!netlink::Encode(layout, decoded).ok()) std::abort();
  return 0;
}
