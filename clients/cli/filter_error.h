// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_FILTER_ERROR_H_
#define KCHAN_CLIENTS_CLI_FILTER_ERROR_H_

#include <string>

#include "absl/status/status.h"

namespace kchan::cli {

// If the daemon refused `filter`, says on standard error why, with a mark under
// the place in it, and returns true.
bool ExplainFilter(const absl::Status& status, const std::string& filter);

// The same for the fields that were asked for.
bool ExplainFields(const absl::Status& status);

}  // namespace kchan::cli

#endif  // KCHAN_CLIENTS_CLI_FILTER_ERROR_H_
