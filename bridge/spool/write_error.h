// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SPOOL_WRITE_ERROR_H_
#define KCHAN_BRIDGE_SPOOL_WRITE_ERROR_H_

#include <string>

// What is said of a negative errno that keeps the spool from being written.
namespace kchan::spool {

std::string ReasonOf(int error, const std::string& folder);
std::string RemedyFor(int error, const std::string& directory);
// Of the records that are lost by it; a literal.
const char* CauseOf(int error);

}  // namespace kchan::spool

#endif  // KCHAN_BRIDGE_SPOOL_WRITE_ERROR_H_
