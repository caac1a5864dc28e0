// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_SPEC_SPEC_BUILDER_H_
#define KCHAN_BRIDGE_NETLINK_SPEC_SPEC_BUILDER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "bridge/netlink/spec/spec.h"
#include "bridge/netlink/spec/yaml_fields.h"

namespace kchan::netlink {

// Makes a Spec of a document. Definitions of a kind may refer to others in any
// order, so all are declared before any is read.
class SpecBuilder {
 public:
  static absl::StatusOr<std::shared_ptr<const Spec>> Build(const YamlNode& root);

 private:
  SpecBuilder() : spec_(new Spec) {}

  struct DeclaredStruct {
    const YamlNode* node = nullptr;
    Struct* structure = nullptr;
  };
  // The next numbers of operations, or an operation's own.
  struct Numbers {
    int64_t request = 1;
    int64_t reply = 1;
  };

  // In this order, each only if all before it is sound.
  void ReadHead(const YamlNode& root);
  void ReadDefinitions(const YamlNode& root);
  void DeclareSubMessages(const YamlNode& root);
  void ReadAttributeSets(const YamlNode& root);
  void ReadSubMessages(const YamlNode& root);
  void ReadOperations(const YamlNode& root);
  void ReadGroups(const YamlNode& root);

  // In build_definitions.cc.
  void ReadConstant(const YamlNode& node, const std::string& name);
  void ReadEnum(const YamlNode& node, EnumSet* set);
  void ReadStruct(const DeclaredStruct& declared, int depth);
  StructMember ReadMember(const YamlNode& node, int depth);

  // In build_attributes.cc.
  void CheckTypeValueNames(const YamlNode& root);
  void ReadAttributeSet(const YamlNode& node, AttributeSet* set);
  void ReadAttribute(const YamlNode& node, Attribute* attribute);
  void CheckKind(const YamlNode& node, const Attribute& attribute);
  void ReadChecks(const YamlNode& node, ValueChecks* checks);
  void ReadFormat(const YamlNode& node, ValueFormat* format);
  std::optional<ValueType> ReadType(const YamlNode& node, std::string_view key);

  // In build_operations.cc.
  Numbers NumberUnified(const YamlNode& node, Numbers* next);
  Numbers NumberDirectional(const YamlNode& node, Numbers* next);
  void ReadOperation(const YamlNode& node, Numbers own);
  std::optional<Exchange> ReadExchange(const YamlNode& node, std::string_view key, Numbers own);
  void ResolveNotifications(const YamlNode& operations);
  bool IsOneLayout() const;

  // A number, or a constant's name, or a limit such as "u32-max".
  std::optional<uint64_t> Limit(const YamlNode& map, std::string_view key);

  // What `key` names. Null if there is no such key; also, as a failure, if it
  // names nothing.
  const EnumSet* RefEnum(const YamlNode& map, std::string_view key);
  const Struct* RefStruct(const YamlNode& map, std::string_view key);
  const AttributeSet* RefSet(const YamlNode& map, std::string_view key);
  const SubMessage* RefSubMessage(const YamlNode& map, std::string_view key);

  YamlFields fields_;
  std::shared_ptr<Spec> spec_;
  std::map<std::string, int64_t, std::less<>> constants_;
  std::map<std::string, const EnumSet*, std::less<>> enums_;
  std::map<std::string, const AttributeSet*, std::less<>> sets_;
  std::map<std::string, const SubMessage*, std::less<>> sub_messages_;
  std::map<std::string, DeclaredStruct, std::less<>> structs_;
  const Struct* fixed_header_ = nullptr;  // of operations that name none
};

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_SPEC_SPEC_BUILDER_H_
