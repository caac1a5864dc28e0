// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_TYPE_CUTTER_H_
#define KCHAN_BRIDGE_HUB_TYPE_CUTTER_H_

#include "bridge/hub/mask_program.h"
#include "bridge/hub/schema.h"

namespace kchan::hub {

// Moves the fields of `type`, which stand where they were in a payload that had
// more of them, next to each other, and says how payloads are cut to fit. Leaves
// the type as it is, and says so, if they cannot be.
TypeCut CutType(RecordType& type, ByteOrder byte_order);

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_TYPE_CUTTER_H_
