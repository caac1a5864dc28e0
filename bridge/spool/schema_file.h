// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SPOOL_SCHEMA_FILE_H_
#define KCHAN_BRIDGE_SPOOL_SCHEMA_FILE_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bridge/hub/schema.h"
#include "bridge/spool/files.h"

// How to decode records, beside them: "<id>.schema" in a channel's folder.
namespace kchan::spool {

std::vector<std::byte> EncodeSchema(const hub::Schema& schema);
// Nothing if the bytes are no schema, or not the one whose id they carry.
std::optional<hub::Schema> DecodeSchema(std::span<const std::byte> bytes);

// Writes it if it is not there: whole, or not at all. 0, or a negative errno.
int StoreSchema(Files& files, const std::string& folder, const hub::Schema& schema, bool sync);
// Null: it is not there, or not readable.
std::shared_ptr<const hub::Schema> LoadSchema(Files& files, const std::string& folder,
                                              uint64_t schema_id);

}  // namespace kchan::spool

#endif  // KCHAN_BRIDGE_SPOOL_SCHEMA_FILE_H_
