// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_JSON_H_
#define KCHAN_CLIENTS_CLI_JSON_H_

#include <google/protobuf/message.h>

#include <string>

namespace kchan::cli {

// A message in protobuf's own JSON, on one line, with the protocol's field
// names and all fields. 64-bit numbers are strings there.
std::string MessageJson(const google::protobuf::Message& message);

}  // namespace kchan::cli

#endif  // KCHAN_CLIENTS_CLI_JSON_H_
