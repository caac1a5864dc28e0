// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_RING_OPENER_H_
#define KCHAN_BRIDGE_SOURCE_RING_OPENER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "bridge/source/mapped_ring.h"

namespace kchan::source {

// Where rings come from.
//
// Thread safety: one thread at a time.
class RingOpener {
 public:
  virtual ~RingOpener() = default;

  // The CPUs that a per-CPU channel may have rings of.
  virtual std::vector<uint32_t> PossibleCpus() const = 0;

  // Errors as KernelRing::Open(): OUT_OF_RANGE is a CPU that has no ring yet.
  virtual absl::StatusOr<std::unique_ptr<MappedRing>> Open(const std::string& channel,
                                                           uint32_t cpu) = 0;
};

// The kernel's rings.
class DeviceRings final : public RingOpener {
 public:
  // A ring that is open already.
  struct Opened {
    std::string channel;
    uint32_t cpu = 0;
    std::unique_ptr<MappedRing> ring;
  };

  explicit DeviceRings(std::string device_path) : device_path_(std::move(device_path)) {}

  // Opens the shared ring, or that of the first CPU which has one. Blocks for as
  // long as the provider takes to turn the channel on.
  absl::StatusOr<Opened> OpenFirst(const std::string& channel, bool shared);
  // Until TakeBack() Open() gives this one out in place of opening it.
  void Hand(Opened opened) { handed_ = std::move(opened); }
  void TakeBack() { handed_ = {}; }

  std::vector<uint32_t> PossibleCpus() const override;
  absl::StatusOr<std::unique_ptr<MappedRing>> Open(const std::string& channel,
                                                   uint32_t cpu) override;

 private:
  const std::string device_path_;
  Opened handed_;
};

// The numbers in a list like "0-3,8": the kernel's way to write CPU sets. What
// is malformed, and what is beyond any CPU, is left out.
std::vector<uint32_t> ParseCpuList(std::string_view list);

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_RING_OPENER_H_
