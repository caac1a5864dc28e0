// SPDX-License-Identifier: Apache-2.0
#include "bridge/config/places.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace kchan::config {
namespace {

// One part of a field's name.
struct Part {
  std::string name;
  int index = -1;  // -1: not repeated
};

// Takes the first part off; what is no index stays in the name, which is then
// no field's.
Part TakePart(std::string_view& path) {
  const size_t dot = std::min(path.find('.'), path.size());
  Part part{.name = std::string(path.substr(0, dot))};
  path.remove_prefix(std::min(dot + 1, path.size()));
  const size_t bracket = part.name.find('[');
  if (bracket == std::string::npos || part.name.back() != ']') return part;
  const std::string index = part.name.substr(bracket + 1, part.name.size() - bracket - 2);
  if (absl::SimpleAtoi(index, &part.index)) part.name.resize(bracket);
  return part;
}

}  // namespace

std::string Places::Of(std::string_view field) const {
  std::string place;
  const google::protobuf::Descriptor* message = message_;
  const google::protobuf::TextFormat::ParseInfoTree* tree = &tree_;
  while (!field.empty() && message != nullptr && tree != nullptr) {
    const Part part = TakePart(field);
    const google::protobuf::FieldDescriptor* descriptor = message->FindFieldByName(part.name);
    if (descriptor == nullptr) break;
    // Of a list as a whole: its first entry.
    const int index = descriptor->is_repeated() ? std::max(part.index, 0) : -1;
    const auto at = tree->GetLocation(descriptor, index);
    if (at.line < 0) break;
    place = absl::StrCat(at.line + 1, ":", at.column + 1);
    message = descriptor->message_type();
    tree = message == nullptr ? nullptr : tree->GetTreeForNested(descriptor, index);
  }
  return place;
}

}  // namespace kchan::config
