// SPDX-License-Identifier: Apache-2.0
// Any glob of a remote client against any name: quick, and within the bytes.
// A second, naive matcher must agree on every glob that the hub accepts.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "bridge/hub/subscription.h"

namespace {

// Exponential: for short input only.
bool NaiveMatches(std::string_view glob, std::string_view name) {
  if (glob.empty()) return name.empty();
  if (glob[0] == '*') {
    return NaiveMatches(glob.substr(1), name) ||
           (!name.empty() && name[0] != '/' && NaiveMatches(glob, name.substr(1)));
  }
  if (name.empty()) return false;
  size_t used = 1;
  bool matches = (glob[0] == '?' && name[0] != '/') || glob[0] == name[0];
  if (glob[0] == '[') {
    matches = false;
    size_t i = 1;
    for (; i == 1 || glob[i] != ']'; ++i) {
      const bool is_range = glob[i + 1] == '-' && glob[i + 2] != ']';
      const char last = is_range ? glob[i + 2] : glob[i];
      matches = matches || (glob[i] <= name[0] && name[0] <= last && name[0] != '/');
      if (is_range) i += 2;
    }
    used = i + 1;
  }
  return matches && NaiveMatches(glob.substr(used), name.substr(1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const size_t cut = text.find('\0');
  const std::string glob(text.substr(0, cut));
  const std::string name(cut == std::string_view::npos ? "" : text.substr(cut + 1));
  const bool matches = kchan::hub::GlobMatches(glob, name);
  if (!kchan::hub::CheckGlob(glob).ok() || glob.size() > 16 || name.size() > 16) return 0;
  if (matches != NaiveMatches(glob, name)) std::abort();
  return 0;
}
