// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/spec/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "absl/status/status.h"
#include "bridge/text/concat.h"
#include "bridge/text/utf8.h"

namespace kchan::netlink {

// Makes nodes of yaml-cpp's events. After the first failure it ignores the
// rest: an event handler has no way to stop the parser, whose input is bounded.
class YamlTreeBuilder final : public YAML::EventHandler {
 public:
  explicit YamlTreeBuilder(YamlTree* tree) : tree_(*tree) {}

  const absl::Status& status() const { return status_; }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Leaf(mark, anchor, YamlNode::Kind::kNull, "");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                const std::string& value) override {
    Leaf(mark, anchor, YamlNode::Kind::kScalar, value);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;

  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    Begin(mark, anchor, YamlNode::Kind::kList);
  }
  void OnSequenceEnd() override { End(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    Begin(mark, anchor, YamlNode::Kind::kMap);
  }
  void OnMapEnd() override { End(); }

 private:
  // A list or map that is not complete.
  struct Open {
    YamlNode* node;
    YAML::anchor_t anchor;
    std::optional<std::string> key;  // of a map, whose value is next
    std::set<std::string> keys;
  };

  void Leaf(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNode::Kind kind,
            const std::string& text);
  void Begin(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNode::Kind kind);
  void End();
  YamlNode* Add(const YAML::Mark& mark, YamlNode::Kind kind);
  // Puts a complete node where it belongs.
  void Place(const YamlNode& node, YAML::anchor_t anchor, int line);
  void PlaceInMap(const YamlNode& node, int line, Open* map);
  void Fail(int line, std::string_view what) {
    if (status_.ok()) status_ = absl::InvalidArgumentError(text::Concat(line, ": ", what));
  }

  YamlTree& tree_;
  absl::Status status_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, const YamlNode*> anchors_;  // of complete nodes
  size_t nodes_ = 0;                                   // aliases expanded
};

YamlNode* YamlTreeBuilder::Add(const YAML::Mark& mark, YamlNode::Kind kind) {
  if (++nodes_ > kMaxYamlNodes) {
    Fail(mark.line + 1, text::Concat("more than ", kMaxYamlNodes, " nodes"));
    return nullptr;
  }
  YamlNode& node = tree_.nodes_.emplace_back();
  node.kind = kind;
  node.line = mark.line + 1;
  return &node;
}

void YamlTreeBuilder::Leaf(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNode::Kind kind,
                           const std::string& text) {
  if (!status_.ok()) return;
  if (!text::IsUtf8(text)) return Fail(mark.line + 1, "a text that is no UTF-8");
  YamlNode* node = Add(mark, kind);
  if (node == nullptr) return;
  node->text = text;
  Place(*node, anchor, node->line);
}

void YamlTreeBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (!status_.ok()) return;
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) {
    Fail(mark.line + 1, "an alias of what it is itself a part of");
    return;
  }
  nodes_ += found->second->size;
  if (nodes_ > kMaxYamlNodes) {
    Fail(mark.line + 1, text::Concat("more than ", kMaxYamlNodes, " nodes, with aliases expanded"));
    return;
  }
  Place(*found->second, YAML::NullAnchor, mark.line + 1);
}

void YamlTreeBuilder::Begin(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNode::Kind kind) {
  if (!status_.ok()) return;
  if (open_.size() == kMaxYamlDepth) {
    Fail(mark.line + 1, text::Concat("deeper than ", kMaxYamlDepth, " levels"));
    return;
  }
  YamlNode* node = Add(mark, kind);
  if (node != nullptr) open_.push_back({node, anchor, std::nullopt, {}});
}

void YamlTreeBuilder::End() {
  if (!status_.ok()) return;
  const Open done = std::move(open_.back());
  open_.pop_back();
  Place(*done.node, done.anchor, done.node->line);
}

void YamlTreeBuilder::Place(const YamlNode& node, YAML::anchor_t anchor, int line) {
  if (anchor != YAML::NullAnchor) anchors_[anchor] = &node;
  if (open_.empty()) {
    tree_.root_ = &node;
    return;
  }
  Open& into = open_.back();
  into.node->size += node.size;
  if (into.node->kind == YamlNode::Kind::kList) {
    into.node->items.push_back(&node);
  } else {
    PlaceInMap(node, line, &into);
  }
}

void YamlTreeBuilder::PlaceInMap(const YamlNode& node, int line, Open* map) {
  if (map->key) {
    map->node->entries.emplace_back(*std::exchange(map->key, std::nullopt), &node);
    return;
  }
  if (node.kind != YamlNode::Kind::kScalar) {
    Fail(line, "a key that is no text");
  } else if (!map->keys.insert(node.text).second) {
    Fail(line, text::Concat("the key '", node.text, "' is there twice"));
  } else {
    map->key = node.text;
  }
}

absl::StatusOr<YamlTree> YamlTree::Parse(std::string_view text) {
  if (text.size() > kMaxYamlBytes) {
    return absl::InvalidArgumentError(text::Concat("1: longer than ", kMaxYamlBytes, " bytes"));
  }
  YamlTree tree;
  YamlTreeBuilder builder(&tree);
  // yaml-cpp throws, and only here.
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder) || tree.root_ == nullptr) {
      if (builder.status().ok()) return absl::InvalidArgumentError("1: there is nothing in it");
    }
  } catch (const YAML::Exception& e) {
    if (builder.status().ok()) {
      return absl::InvalidArgumentError(text::Concat(e.mark.line + 1, ": no YAML: ", e.msg));
    }
  }
  if (!builder.status().ok()) return builder.status();
  return tree;
}

const YamlNode* YamlNode::Find(std::string_view key) const {
  for (const auto& [name, node] : entries) {
    if (name == key) return node;
  }
  return nullptr;
}

}  // namespace kchan::netlink
