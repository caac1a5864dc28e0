// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_RPC_JSON_FORM_H_
#define KCHAN_BRIDGE_RPC_JSON_FORM_H_

#include <memory>

#include "bridge/hub/record_form.h"

namespace kchan::rpc {

// Gives payloads as kchan.v1.PAYLOAD_FORMAT_JSON. A hub::RecordFormMaker.
std::unique_ptr<hub::RecordForm> MakeJsonForm(const hub::Schema& schema,
                                              std::unique_ptr<hub::RecordForm> within);

}  // namespace kchan::rpc

#endif  // KCHAN_BRIDGE_RPC_JSON_FORM_H_
