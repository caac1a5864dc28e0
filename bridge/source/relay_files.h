// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_RELAY_FILES_H_
#define KCHAN_BRIDGE_SOURCE_RELAY_FILES_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "bridge/source/kernel_control.h"
#include "bridge/source/unique_fd.h"

namespace kchan::source {

// The buffers of one RELAY channel while it is enabled.
//
// Thread safety: one thread at a time.
class RelayFiles {
 public:
  virtual ~RelayFiles() = default;

  virtual uint64_t generation() const = 0;
  // The CPUs that have a buffer now.
  virtual absl::StatusOr<std::vector<uint32_t>> Cpus() = 0;
  // Its file, which does not block. ALREADY_EXISTS: it has a reader;
  // UNAVAILABLE: it is just being made, try again.
  virtual absl::StatusOr<UniqueFd> Open(uint32_t cpu) = 0;
  // For each CPU the last number that was read, or told as lost; those that
  // are not there have 0.
  virtual absl::StatusOr<std::map<uint32_t, uint64_t>> ReadSequences() = 0;
  // Becomes readable when a CPU's buffer may have come; -1: nothing tells.
  virtual int folder_fd() const = 0;
  // Takes what made it so.
  virtual void ClearFolderEvents() = 0;
};

// The module's, in debugfs.
class DebugfsRelayFiles final : public RelayFiles {
 public:
  // Enables the channel, until the destructor. `path` is the channel's folder
  // as the kernel names it, where debugfs is mounted at its usual place.
  // FAILED_PRECONDITION: there is no debugfs; PERMISSION_DENIED: it may not be
  // read; others as KernelControl::Enable().
  static absl::StatusOr<std::unique_ptr<RelayFiles>> Enable(uint16_t family,
                                                            const std::string& channel,
                                                            const std::string& path);

  uint64_t generation() const override { return generation_; }
  absl::StatusOr<std::vector<uint32_t>> Cpus() override;
  absl::StatusOr<UniqueFd> Open(uint32_t cpu) override;
  absl::StatusOr<std::map<uint32_t, uint64_t>> ReadSequences() override;
  int folder_fd() const override { return inotify_.get(); }
  void ClearFolderEvents() override;

 private:
  DebugfsRelayFiles(std::unique_ptr<KernelControl> control, std::string channel, std::string folder,
                    uint64_t generation);

  const std::unique_ptr<KernelControl> control_;  // owns the demand
  const std::string channel_;
  const std::string folder_;
  const uint64_t generation_;
  UniqueFd inotify_;
};

// Where debugfs is mounted, by the text of /proc/self/mountinfo; empty: nowhere.
std::string FindDebugfs(std::string_view mountinfo);

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_RELAY_FILES_H_
