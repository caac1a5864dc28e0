// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/spec/spec.h"

#include <algorithm>

#include "bridge/netlink/spec/spec_builder.h"
#include "bridge/netlink/spec/yaml_tree.h"

namespace kchan::netlink {
namespace {

template <typename Range, typename Test>
auto FindIf(const Range& range, Test test) -> decltype(&*range.begin()) {
  const auto at = std::find_if(range.begin(), range.end(), test);
  return at == range.end() ? nullptr : &*at;
}

bool Asks(const std::optional<Exchange>& exchange, uint16_t number) {
  return exchange && exchange->request_id == number;
}

bool Answers(const std::optional<Exchange>& exchange, uint16_t number) {
  return exchange && exchange->reply_id == number;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Spec>> Spec::Parse(std::string_view yaml) {
  const absl::StatusOr<YamlTree> tree = YamlTree::Parse(yaml);
  if (!tree.ok()) return tree.status();
  return SpecBuilder::Build(tree->root());
}

const Operation* Spec::FindOperation(std::string_view operation_name) const {
  return FindIf(operations_, [&](const Operation& each) { return each.name == operation_name; });
}

const MulticastGroup* Spec::FindGroup(std::string_view group_name) const {
  return FindIf(groups_, [&](const MulticastGroup& each) { return each.name == group_name; });
}

const AttributeSet* Spec::FindAttributeSet(std::string_view set_name) const {
  return FindIf(attribute_sets_, [&](const AttributeSet& each) { return each.name == set_name; });
}

const Operation* Spec::FindMessage(Direction direction, uint16_t number) const {
  const Operation* asked = FindIf(operations_, [&](const Operation& each) {
    return Asks(each.doit, number) || Asks(each.dump, number);
  });
  if (direction == Direction::kRequest) return asked;

  const Operation* answered = FindIf(operations_, [&](const Operation& each) {
    return Answers(each.doit, number) || Answers(each.dump, number);
  });
  const Operation* notified =
      FindIf(operations_, [&](const Operation& each) { return each.notification_id == number; });
  if (direction == Direction::kNotification) std::swap(answered, notified);
  if (answered != nullptr) return answered;
  if (notified != nullptr) return notified;
  return requests_look_alike_ ? asked : nullptr;
}

}  // namespace kchan::netlink
