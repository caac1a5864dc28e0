// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_COMPLETION_SCRIPTS_H_
#define KCHAN_CLIENTS_CLI_COMPLETION_SCRIPTS_H_

namespace kchan::cli {

// What makes a shell ask `kchan complete`: kchan.bash, _kchan and kchan.fish of
// this folder.
extern const char kBashScript[];
extern const char kZshScript[];
extern const char kFishScript[];

}  // namespace kchan::cli

#endif  // KCHAN_CLIENTS_CLI_COMPLETION_SCRIPTS_H_
