// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SECURITY_WATCH_H_
#define KCHAN_BRIDGE_SECURITY_WATCH_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "bridge/hub/hub.h"
#include "bridge/rpc/server.h"

namespace kchan {

// What is wrong with a listener's certificates, or soon will be.
std::vector<hub::Problem> ProblemsOf(const rpc::Server::TlsState& tls, absl::Time now);

// Looks at the policy's and the certificates' files, hands what has changed and
// makes sense to the server, and shows the rest among the hub's problems; each is
// logged when it appears, and daily.
//
// Looks every now and then, since files of a mounted secret change in ways that
// inotify does not tell; without any such file it has no thread.
//
// Thread safety: any thread.
//
// Lifetime: server and hub outlive it.
class SecurityWatch {
 public:
  // `policy_file` may be empty: there is none.
  SecurityWatch(rpc::Server& server, hub::Hub& hub, std::string policy_file,
                std::chrono::seconds interval = std::chrono::seconds(5));
  ~SecurityWatch();
  SecurityWatch(const SecurityWatch&) = delete;
  SecurityWatch& operator=(const SecurityWatch&) = delete;

  // Looks now.
  void Look();

  // From now on the policy is there; empty: there is none any more. Looks.
  void SetPolicyFile(std::string policy_file);

 private:
  void LookLocked();
  void LookAtPolicyLocked(std::vector<hub::Problem>& problems);
  void LookAtCertificatesLocked(std::vector<hub::Problem>& problems);
  void SayLocked(const std::vector<hub::Problem>& problems);
  void StartLocked();
  void Loop();

  rpc::Server& server_;
  hub::Hub& hub_;
  const std::chrono::seconds interval_;
  std::mutex mutex_;
  std::condition_variable stop_changed_;
  bool stopping_ = false;  // guarded by mutex_, as all below
  std::string policy_file_;
  std::optional<std::string> policy_text_;  // as it was read last
  absl::Status policy_status_;              // of that; not OK: an earlier one is in force
  std::map<std::string, security::Certificates> certificates_;  // by address
  std::map<std::string, absl::Time> said_;                      // problems, and when
  std::thread thread_;
};

}  // namespace kchan

#endif  // KCHAN_BRIDGE_SECURITY_WATCH_H_
