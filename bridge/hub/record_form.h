// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_RECORD_FORM_H_
#define KCHAN_BRIDGE_HUB_RECORD_FORM_H_

#include <cstdint>
#include <string_view>

namespace kchan::hub {

// What one subscription is given in place of records' payloads. All else of a
// record stays.
//
// Thread safety: none; a part of its reader.
class RecordForm {
 public:
  virtual ~RecordForm() = default;

  // What is given in place of `payload`, which may hold anything; valid until the
  // next call.
  virtual std::string_view Of(uint32_t type, std::string_view payload) = 0;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_RECORD_FORM_H_
