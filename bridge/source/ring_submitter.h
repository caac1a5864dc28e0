// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_RING_SUBMITTER_H_
#define KCHAN_BRIDGE_SOURCE_RING_SUBMITTER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "bridge/source/attached_file.h"
#include "bridge/source/submitter.h"

namespace kchan::source {

// Writes records into a data area that it shares with the kernel, and rings:
// a RING channel's way down (linux/kchan.h, KCHAN_ROLE_WRITER).
class RingSubmitter final : public Submitter {
 public:
  // Errors as AttachedFile::Open().
  static absl::StatusOr<std::unique_ptr<Submitter>> Attach(const std::string& device_path,
                                                           const std::string& channel);
  ~RingSubmitter() override;

  hub::KernelAnswer Submit(uint16_t type, std::span<const std::byte> payload) override;
  bool healthy() const override { return healthy_; }

 private:
  RingSubmitter(AttachedFile file, const std::string& channel)
      : file_(std::move(file)), channel_(channel) {}

  absl::Status Map();
  hub::KernelAnswer Ring(uint64_t head);

  const AttachedFile file_;
  const std::string channel_;
  std::byte* area_ = nullptr;  // data_bytes, twice in a row
  uint64_t position_ = 0;      // where the next record goes
  bool healthy_ = true;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_RING_SUBMITTER_H_
