// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_FRAME_WRITER_H_
#define KCHAN_BRIDGE_SOURCE_FRAME_WRITER_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "bridge/source/submitter.h"
#include "bridge/source/unique_fd.h"

namespace kchan::source {

// A record that goes down, as a frame.
std::vector<std::byte> MakeFrame(uint16_t type, std::span<const std::byte> payload);

// A CHARDEV channel's way down: write() of a frame to an attached file, which
// is not open for reading and so does not turn the channel's source on.
class FrameWriter final : public Submitter {
 public:
  // Errors as AttachedFile::Open().
  static absl::StatusOr<std::unique_ptr<Submitter>> Attach(const std::string& device_path,
                                                           const std::string& channel);

  // `fd` takes frames as an attached file does.
  FrameWriter(UniqueFd fd, const std::string& channel) : fd_(std::move(fd)), channel_(channel) {}

  hub::KernelAnswer Submit(uint16_t type, std::span<const std::byte> payload) override;
  bool healthy() const override { return healthy_; }

 private:
  const UniqueFd fd_;
  const std::string channel_;
  bool healthy_ = true;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_FRAME_WRITER_H_
