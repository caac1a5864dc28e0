// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_LOGGING_H_
#define KCHAN_BRIDGE_LOGGING_H_

#include <string>

#include "bridge/config/config.h"

namespace kchan {

// Makes spdlog's default logger write to stderr as told, and gRPC's own
// messages go there too. May be called again.
//
// Thread safety: one thread, the main one.
void StartLogging(const config::Logging& logging);

// Writes one line of the audit to stderr, as it is: JSON, whatever the log is. Any
// thread.
void WriteAuditLine(const std::string& line);

}  // namespace kchan

#endif  // KCHAN_BRIDGE_LOGGING_H_
