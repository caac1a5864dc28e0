// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_SCHEMA_CACHE_H_
#define KCHAN_SCHEMA_CACHE_H_

#include <cstdint>
#include <list>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "kchan/client.h"
#include "kchan/schema.h"

namespace kchan {

// SchemaCache fetches schemas when they are first asked for. Schemas are
// immutable, so nothing in it ever has to be refreshed; it keeps the most
// recently used ones.
//
// Thread safety: none; give each reader its own.
class SchemaCache {
 public:
  explicit SchemaCache(std::shared_ptr<Client> client, size_t max_schemas = 256)
      : client_(std::move(client)), max_schemas_(max_schemas) {}

  // The schema of the records of `batch.channel()` with `batch.schema_id()`.
  // May call the daemon. An error is not remembered: the next call tries again.
  absl::StatusOr<std::shared_ptr<const Schema>> Get(std::string_view channel, uint64_t schema_id);

 private:
  const std::shared_ptr<Client> client_;
  const size_t max_schemas_;
  // Most recently used first; a handful, so a search beats a hash.
  std::list<std::shared_ptr<const Schema>> schemas_;
};

}  // namespace kchan

#endif  // KCHAN_SCHEMA_CACHE_H_
