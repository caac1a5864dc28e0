// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_METRICS_EXPORTER_H_
#define KCHAN_BRIDGE_METRICS_EXPORTER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "bridge/hub/hub.h"
#include "bridge/rpc/server.h"

namespace prometheus {
class Exposer;
}

namespace kchan::metrics {

// Serves Collect() at http://ADDRESS/metrics, in clear text and to whoever asks:
// figures and channels' names, nothing of any record.
//
// Thread safety: one thread; requests have threads of their own.
//
// Lifetime: the hub and the server outlive it.
class Exporter {
 public:
  // `address`: "127.0.0.1:9464", "[::1]:9464". UNAVAILABLE if it cannot listen.
  static absl::StatusOr<std::unique_ptr<Exporter>> Start(const std::string& address,
                                                         const hub::Hub& hub,
                                                         const rpc::Server& server);
  ~Exporter();
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  // Where it listens, with the port that it got.
  std::string address() const;

 private:
  class Figures;

  Exporter(std::string host, const hub::Hub& hub, const rpc::Server& server);

  const std::string host_;
  const std::shared_ptr<Figures> figures_;
  std::unique_ptr<prometheus::Exposer> exposer_;  // last: its threads ask for figures
};

}  // namespace kchan::metrics

#endif  // KCHAN_BRIDGE_METRICS_EXPORTER_H_
