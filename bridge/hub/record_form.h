// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_RECORD_FORM_H_
#define KCHAN_BRIDGE_HUB_RECORD_FORM_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "bridge/hub/schema.h"
#include "bridge/hub/wire.h"

namespace kchan::hub {

// What is given in place of a record's payload, and as which field of
// kchan.v1.Record.
struct GivenPayload {
  std::string_view bytes;
  uint32_t field = wire::kRecordPayload;
};

// What one subscription is given in place of records' payloads. All else of a
// record stays.
//
// Thread safety: none; a part of its reader.
class RecordForm {
 public:
  virtual ~RecordForm() = default;

  // What is given in place of `payload`, which may hold anything; valid until the
  // next call.
  virtual GivenPayload Of(uint32_t type, std::string_view payload) = 0;
};

// Makes a form for records of `schema`, of which `within` (null: none) is applied
// before it.
//
// Thread safety: any thread.
using RecordFormMaker = std::function<std::unique_ptr<RecordForm>(
    const Schema& schema, std::unique_ptr<RecordForm> within)>;

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_RECORD_FORM_H_
