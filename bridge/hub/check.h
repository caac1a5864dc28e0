// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_CHECK_H_
#define KCHAN_BRIDGE_HUB_CHECK_H_

#include <cstdio>
#include <cstdlib>

// Ends the daemon if a rule of our own code is broken: going on would hand out
// wrong numbers. Never for what comes from outside.
#define KCHAN_CHECK(condition, message)                                                     \
  do {                                                                                      \
    if (!(condition)) [[unlikely]] {                                                        \
      std::fprintf(stderr, "%s:%d: check failed: %s: %s\n", __FILE__, __LINE__, #condition, \
                   message);                                                                \
      std::abort();                                                                         \
    }                                                                                       \
  } while (false)

#endif  // KCHAN_BRIDGE_HUB_CHECK_H_
