// SPDX-License-Identifier: Apache-2.0
#include "bridge/metrics/exporter.h"

#include <exception>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "bridge/metrics/collect.h"
#include "prometheus/collectable.h"
#include "prometheus/exposer.h"

namespace kchan::metrics {
namespace {

constexpr size_t kThreads = 2;

}  // namespace

class Exporter::Figures final : public prometheus::Collectable {
 public:
  Figures(const hub::Hub& hub, const rpc::Server& server) : hub_(hub), server_(server) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    return metrics::Collect(hub_, server_);
  }

 private:
  const hub::Hub& hub_;
  const rpc::Server& server_;
};

absl::StatusOr<std::unique_ptr<Exporter>> Exporter::Start(const std::string& address,
                                                          const hub::Hub& hub,
                                                          const rpc::Server& server) {
  std::unique_ptr<Exporter> exporter(
      new Exporter(address.substr(0, address.rfind(':')), hub, server));
  try {
    exporter->exposer_ = std::make_unique<prometheus::Exposer>(address, kThreads);
  } catch (const std::exception& error) {
    return absl::UnavailableError(
        absl::StrCat("metrics.address ", address, ": cannot listen there: ", error.what(),
                     "; is the port in use, the address not this machine's, or the port below 1024 "
                     "and CAP_NET_BIND_SERVICE missing?"));
  }
  exporter->exposer_->RegisterCollectable(exporter->figures_);
  return exporter;
}

Exporter::Exporter(std::string host, const hub::Hub& hub, const rpc::Server& server)
    : host_(std::move(host)), figures_(std::make_shared<Figures>(hub, server)) {}

Exporter::~Exporter() = default;

std::string Exporter::address() const {
  return absl::StrCat(host_, ":", exposer_->GetListeningPorts().front());
}

}  // namespace kchan::metrics
