// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_COMPONENT_RAW_CLIENT_H_
#define KCHAN_TESTS_COMPONENT_RAW_CLIENT_H_

#include <string>

#include "bridge/source/unique_fd.h"

namespace kchan::testing {

// One who connects and says nothing.
class RawClient {
 public:
  // Has its descriptor from now on; for IPv4.
  RawClient();
  // Connects, or the test fails: "127.0.0.1:80", "[::1]:80", "unix:/path".
  explicit RawClient(const std::string& address);

  bool Connect(const std::string& address);

  // Whether somebody listens there.
  static bool CanConnect(const std::string& address);

  // Whether the other side closes it; waits 10 s at most.
  bool AwaitsEnd() const;

  // Ends without a good-bye.
  void Reset();

 private:
  source::UniqueFd fd_;
};

}  // namespace kchan::testing

#endif  // KCHAN_TESTS_COMPONENT_RAW_CLIENT_H_
