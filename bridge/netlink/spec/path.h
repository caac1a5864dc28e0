// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_SPEC_PATH_H_
#define KCHAN_BRIDGE_NETLINK_SPEC_PATH_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "bridge/text/concat.h"

namespace kchan::netlink {

// Where in a request something is, "rings.rx" or "bits.bit[2].name". Each level
// is on the stack of the function that reads it, so it costs nothing until it
// is needed; what it points to must live as long.
class Path {
 public:
  Path() = default;  // the request itself
  Path(const Path* outer, std::string_view name) : outer_(outer), name_(name) {}
  Path(const Path* outer, size_t index) : outer_(outer), index_(index) {}

  std::string ToString() const {
    if (outer_ == nullptr) return std::string(name_);
    const std::string before = outer_->ToString();
    if (index_) return text::Concat(before, "[", *index_, "]");
    return text::Concat(before, before.empty() ? "" : ".", name_);
  }

  // INVALID_ARGUMENT, "PATH: what".
  absl::Status Error(std::string_view what) const {
    return absl::InvalidArgumentError(text::Concat(ToString(), ": ", what));
  }

 private:
  const Path* outer_ = nullptr;
  std::string_view name_;
  std::optional<size_t> index_;
};

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_SPEC_PATH_H_
