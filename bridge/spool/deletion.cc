// SPDX-License-Identifier: Apache-2.0
#include "bridge/spool/deletion.h"

#include <cerrno>
#include <string>

#include "bridge/text/concat.h"

namespace kchan::spool {
namespace {

struct Victim {
  std::string name;  // empty: none
  bool is_aside = false;
  uint32_t index = 0;
  uint64_t schema_id = 0;
  uint64_t written_ns = 0;
};

Victim FindVictim(const Catalog& catalog) {
  if (!catalog.aside().empty()) return {.name = catalog.aside().front().name, .is_aside = true};
  if (catalog.empty()) return {};
  const SegmentFile& oldest = catalog.files().front();
  const bool is_written = oldest.is_open && catalog.files().size() == 1;
  if (is_written) return {};
  return {.name = oldest.name(),
          .index = oldest.facts.index,
          .schema_id = oldest.facts.schema_id,
          .written_ns = oldest.newest_ns};
}

std::string PathOf(const ChannelSpool& spool, const std::string& name) {
  return text::Concat(spool.folder(), "/", name);
}

}  // namespace

int DeleteOldest(ChannelSpool& spool) {
  const Victim victim = spool.WithCatalog(FindVictim);
  if (victim.name.empty()) return 1;
  // Out of readers' sight first: a file that goes while one is about to open it
  // is no damage.
  const auto hide = [&](bool is_hidden) {
    return !victim.is_aside && spool.WithCatalog([&](Catalog& catalog) {
      return catalog.SetHidden(victim.index, is_hidden);
    });
  };
  const bool was_seen = hide(true);
  const int error = spool.files().Remove(PathOf(spool, victim.name));
  if (error < 0 && error != -ENOENT) {
    if (was_seen) hide(false);
    return error;
  }
  const bool is_schema_used = spool.WithCatalog([&](Catalog& catalog) {
    if (victim.is_aside) {
      catalog.RemoveOldestAside();
      return true;
    }
    catalog.Remove(victim.index);
    return catalog.Uses(victim.schema_id);
  });
  if (!is_schema_used) {
    (void)spool.files().Remove(PathOf(spool, SchemaName(victim.schema_id)));
    spool.RemoveSchema(victim.schema_id);
  }
  return 0;
}

std::optional<uint64_t> OldestNs(ChannelSpool& spool) {
  const Victim victim = spool.WithCatalog(FindVictim);
  if (victim.name.empty()) return std::nullopt;
  return victim.written_ns;
}

}  // namespace kchan::spool
