// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_EXPLAIN_H_
#define KCHAN_CLIENTS_CLI_EXPLAIN_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "exit_code.h"
#include "kchan/client.h"

namespace kchan::cli {

// Says on standard error what went wrong and what to do next; returns the exit
// code for it.
ExitCode Explain(const absl::Status& status);

// The same for an error of something about `channel`: where there is no such
// channel it names those that might have been meant.
ExitCode ExplainChannel(Client& client, const absl::Status& status, std::string_view channel);

// Those of `names` that look like `name`, the most similar first.
std::vector<std::string> Similar(std::string_view name, const std::vector<std::string>& names);

}  // namespace kchan::cli

#endif  // KCHAN_CLIENTS_CLI_EXPLAIN_H_
