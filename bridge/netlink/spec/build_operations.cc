// SPDX-License-Identifier: Apache-2.0
// Operations and notifications of a spec, and their numbers.
#include <algorithm>
#include <set>

#include "bridge/netlink/spec/spec_builder.h"
#include "bridge/text/concat.h"

namespace kchan::netlink {
namespace {

constexpr int64_t kMaxNumber = 65535;

}  // namespace

void SpecBuilder::ReadOperations(const YamlNode& root) {
  const YamlNode* operations = root.Find("operations");
  if (operations == nullptr) return fields_.Fail(root, "there are no 'operations'");
  const std::string model = fields_.Text(*operations, "enum-model");
  if (!model.empty() && model != "unified" && model != "directional") {
    fields_.FailAsUnknown(YamlFields::At(*operations, "enum-model"),
                          text::Concat("enum-model '", model, "'"));
  }
  spec_->is_directional_ = model == "directional";
  fixed_header_ = RefStruct(*operations, "fixed-header");

  Numbers next;
  std::set<std::string> names;
  for (const YamlNode* node : fields_.Maps(*operations, "list")) {
    const std::string name = fields_.RequiredText(*node, "name");
    if (!names.insert(name).second) {
      fields_.Fail(*node, text::Concat("operation '", name, "' is there twice"));
    }
    const Numbers own =
        spec_->is_directional_ ? NumberDirectional(*node, &next) : NumberUnified(*node, &next);
    if (own.request > kMaxNumber || own.reply > kMaxNumber) {
      fields_.Fail(*node, text::Concat("operation '", name, "' has a number beyond ", kMaxNumber));
    }
    if (fields_.ok()) ReadOperation(*node, own);
  }
  ResolveNotifications(*operations);
  spec_->requests_look_alike_ = !spec_->is_generic() || !spec_->is_directional_ || IsOneLayout();
}

// Whether it does not matter which operation a message belongs to.
bool SpecBuilder::IsOneLayout() const {
  return std::all_of(spec_->operations_.begin(), spec_->operations_.end(),
                     [&](const Operation& each) {
                       const Layout& first = spec_->operations_.front().layout;
                       return each.layout.attributes == first.attributes &&
                              each.layout.fixed_header == first.fixed_header;
                     });
}

// One space for all, also for what is only reserved.
SpecBuilder::Numbers SpecBuilder::NumberUnified(const YamlNode& node, Numbers* next) {
  next->request = fields_.Number(node, "value", 0, kMaxNumber).value_or(next->request);
  const Numbers own = {next->request, next->request};
  ++next->request;
  return own;
}

// What goes to the kernel and what comes from it are counted apart. A number in
// the spec counts on from there.
SpecBuilder::Numbers SpecBuilder::NumberDirectional(const YamlNode& node, Numbers* next) {
  const bool is_notification = node.Find("notify") != nullptr || node.Find("event") != nullptr;
  if (is_notification) {
    next->reply = fields_.Number(node, "value", 0, kMaxNumber).value_or(next->reply);
    return {next->request, next->reply++};
  }
  const YamlNode* mode = node.Find("do") != nullptr ? node.Find("do") : node.Find("dump");
  if (mode == nullptr) {
    fields_.Fail(node, "neither 'do', 'dump', 'notify' nor 'event', but directional numbers");
    return *next;
  }
  const YamlNode* request = mode->Find("request");
  const YamlNode* reply = mode->Find("reply");
  if (request != nullptr) {
    next->request = fields_.Number(*request, "value", 0, kMaxNumber).value_or(next->request);
  }
  if (reply != nullptr) {
    next->reply = fields_.Number(*reply, "value", 0, kMaxNumber).value_or(next->reply);
  }
  const Numbers own = *next;
  ++next->request;
  if (reply != nullptr) ++next->reply;
  return own;
}

void SpecBuilder::ReadOperation(const YamlNode& node, Numbers own) {
  Operation operation;
  operation.name = fields_.RequiredText(node, "name");
  operation.documentation = fields_.Text(node, "doc");
  operation.flags = fields_.Texts(node, "flags");
  operation.multicast_group = fields_.Text(node, "mcgrp");
  operation.layout.attributes = RefSet(node, "attribute-set");
  operation.layout.fixed_header =
      node.Find("fixed-header") != nullptr ? RefStruct(node, "fixed-header") : fixed_header_;

  operation.notifies = fields_.Text(node, "notify");
  if (!operation.notifies.empty() || node.Find("event") != nullptr) {
    operation.notification_id = static_cast<uint16_t>(own.reply);
    if (const YamlNode* event = node.Find("event")) {
      operation.event_attributes = fields_.Texts(*event, "attributes");
    }
  } else {
    operation.doit = ReadExchange(node, "do", own);
    operation.dump = ReadExchange(node, "dump", own);
    // Only reserved.
    if (!operation.doit && !operation.dump) return;
  }
  spec_->operations_.push_back(std::move(operation));
}

std::optional<Exchange> SpecBuilder::ReadExchange(const YamlNode& node, std::string_view key,
                                                  Numbers own) {
  const YamlNode* mode = node.Find(key);
  if (mode == nullptr) return std::nullopt;
  Exchange exchange;
  const YamlNode* request = mode->Find("request");
  const YamlNode* reply = mode->Find("reply");
  exchange.request_id = static_cast<uint16_t>(own.request);
  if (request != nullptr) {
    exchange.request_attributes = fields_.Texts(*request, "attributes");
    exchange.request_id = static_cast<uint16_t>(
        fields_.Number(*request, "value", 0, kMaxNumber).value_or(own.request));
  }
  if (reply != nullptr) {
    exchange.reply_attributes = fields_.Texts(*reply, "attributes");
    exchange.reply_id =
        static_cast<uint16_t>(fields_.Number(*reply, "value", 0, kMaxNumber).value_or(own.reply));
  }
  return exchange;
}

void SpecBuilder::ResolveNotifications(const YamlNode& operations) {
  for (Operation& operation : spec_->operations_) {
    if (operation.notifies.empty() || operation.layout.attributes != nullptr) continue;
    const Operation* of = spec_->FindOperation(operation.notifies);
    if (of == nullptr) {
      fields_.Fail(operations, text::Concat("'", operation.name, "' notifies of '",
                                            operation.notifies, "', which is not defined"));
      return;
    }
    operation.layout = of->layout;
  }
}

}  // namespace kchan::netlink
