// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_CONFINE_SYSTEM_CALLS_H_
#define KCHAN_BRIDGE_CONFINE_SYSTEM_CALLS_H_

#include "absl/status/status.h"

namespace kchan::confine {

// Lets this thread, and all that it makes, call the kernel only for what kchand
// does; all else is EPERM, and a line in the kernel's audit log. No program can
// be started, no file system mounted, no namespace made, no other process
// touched, no socket opened but of the Unix, IP and netlink families. setns(2)
// only `with_setns`. For good.
//
// Call it before there is another thread; no_new_privs has to be set. Does
// nothing in a build with sanitizers, which call whatever they like.
absl::Status AllowOnlyOurSystemCalls(bool with_setns);

}  // namespace kchan::confine

#endif  // KCHAN_BRIDGE_CONFINE_SYSTEM_CALLS_H_
