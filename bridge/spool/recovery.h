// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SPOOL_RECOVERY_H_
#define KCHAN_BRIDGE_SPOOL_RECOVERY_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bridge/hub/schema.h"
#include "bridge/spool/catalog.h"
#include "bridge/spool/files.h"

namespace kchan::spool {

// What a channel's folder holds, made usable again.
struct RecoveredFolder {
  Catalog catalog;
  std::map<uint64_t, std::shared_ptr<const hub::Schema>> schemas;
  uint32_t next_index = 1;
  // What was not as it should be: "file F: what". For a person.
  std::vector<std::string> damages;
};

// Reads the folder of `channel`, whatever a crash has left there, and needs
// nobody's help:
//
//  * A file that was being written is cut behind its last whole frame and gets
//    its last name. Only such a file is read here: of others their names tell
//    what is needed, and they are checked when they are read.
//  * One without a sound header is set aside. Files of other names are left
//    alone.
//  * Where the disk does not let itself be written, everything stays as it is and
//    is served all the same.
//
// A negative errno in `error`: the folder cannot be read.
RecoveredFolder Recover(Files& files, const std::string& folder, const std::string& channel,
                        int& error);

}  // namespace kchan::spool

#endif  // KCHAN_BRIDGE_SPOOL_RECOVERY_H_
