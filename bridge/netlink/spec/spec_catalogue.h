// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_NETLINK_SPEC_SPEC_CATALOGUE_H_
#define KCHAN_BRIDGE_NETLINK_SPEC_SPEC_CATALOGUE_H_

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bridge/netlink/spec/spec.h"

namespace kchan::netlink {

// A file, or a whole directory, that gave no spec, and why.
struct RefusedSpec {
  std::string path;
  std::string reason;
};

// The specs there are, by the name of their family.
//
// Thread safety: immutable; safe to share after Load().
class SpecCatalogue {
 public:
  // Reads NAME.yaml of each directory; a later directory's spec replaces an
  // earlier one's of the same family. Never fails: what cannot be used is in
  // refused(). A refused file replaces nothing.
  static SpecCatalogue Load(std::span<const std::string> directories);

  // Null if there is none.
  std::shared_ptr<const Spec> Find(std::string_view family) const;
  // Where it was read from; empty if there is none.
  std::string_view PathOf(std::string_view family) const;
  // Sorted.
  std::vector<std::string> names() const;
  const std::vector<RefusedSpec>& refused() const { return refused_; }

 private:
  struct Entry {
    std::shared_ptr<const Spec> spec;
    std::string path;
  };

  void LoadDirectory(const std::string& directory);

  std::map<std::string, Entry, std::less<>> specs_;
  std::vector<RefusedSpec> refused_;
};

}  // namespace kchan::netlink

#endif  // KCHAN_BRIDGE_NETLINK_SPEC_SPEC_CATALOGUE_H_
