// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_FILE_SUBMITTER_H_
#define KCHAN_BRIDGE_SOURCE_FILE_SUBMITTER_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "bridge/source/attached_file.h"
#include "bridge/source/submitter.h"
#include "bridge/source/unique_fd.h"

namespace kchan::source {

// Writes each record to a file, in memory and its own, and has the kernel read
// that: a FILE channel's way down (linux/kchan.h, KCHAN_FILE_COMMANDS). As a
// writer it leaves the channel's source alone.
class FileSubmitter final : public Submitter {
 public:
  // Errors as AttachedFile::Open().
  static absl::StatusOr<std::unique_ptr<Submitter>> Attach(const std::string& device_path,
                                                           const std::string& channel);

  hub::KernelAnswer Submit(uint16_t type, std::span<const std::byte> payload) override;
  bool healthy() const override { return healthy_; }

 private:
  FileSubmitter(AttachedFile attached, UniqueFd commands, const std::string& channel)
      : attached_(std::move(attached)), commands_(std::move(commands)), channel_(channel) {}

  hub::KernelAnswer Fail(int error);
  hub::KernelAnswer Hand();

  const AttachedFile attached_;
  const UniqueFd commands_;
  const std::string channel_;
  bool healthy_ = true;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_FILE_SUBMITTER_H_
