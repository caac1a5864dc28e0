// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_UNIT_NETLINK_NETLINK_TESTING_H_
#define KCHAN_TESTS_UNIT_NETLINK_NETLINK_TESTING_H_

#include <memory>
#include <string>
#include <string_view>

#include "bridge/netlink/spec/spec.h"
#include "bridge/netlink/spec/spec_catalogue.h"
#include "google/protobuf/struct.pb.h"

namespace kchan::netlink {

// Where scripts/fetch-netlink-specs has put the kernel's specs; KCHAN_NETLINK_SPECS
// names another place.
std::string SpecDirectory();

// All of them. Ends the program, which fails the test, if there are none: run
// scripts/fetch-netlink-specs.
const SpecCatalogue& KernelSpecs();
// One of them.
const Spec& KernelSpec(std::string_view family);

// A spec that the test writes.
std::shared_ptr<const Spec> ParseOrDie(const std::string& yaml);

google::protobuf::Struct Json(const std::string& text);
// In one line, keys sorted.
std::string Text(const google::protobuf::Struct& values);
std::string Text(const google::protobuf::Value& value);

// The bytes that "0a00 ff" says.
std::string Bytes(std::string_view hex);
// An attribute with its header and padding.
std::string Attr(uint16_t type, std::string_view payload);

}  // namespace kchan::netlink

#endif  // KCHAN_TESTS_UNIT_NETLINK_NETLINK_TESTING_H_
