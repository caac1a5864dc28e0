// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SPOOL_DELETION_H_
#define KCHAN_BRIDGE_SPOOL_DELETION_H_

#include <cstdint>
#include <optional>

#include "bridge/spool/channel_spool.h"

// How a channel's files go. On the spooler's thread, as everything that changes
// files.
namespace kchan::spool {

// Deletes the oldest file that is not being written, but first what was set
// aside. 1: there is none to delete; a negative errno: it cannot be deleted.
int DeleteOldest(ChannelSpool& spool);

// When the file that DeleteOldest() would delete was written last; nothing if
// there is none.
std::optional<uint64_t> OldestNs(ChannelSpool& spool);

}  // namespace kchan::spool

#endif  // KCHAN_BRIDGE_SPOOL_DELETION_H_
