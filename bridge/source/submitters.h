// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_SUBMITTERS_H_
#define KCHAN_BRIDGE_SOURCE_SUBMITTERS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "bridge/hub/kernel_door.h"
#include "bridge/source/submitter.h"

namespace kchan::source {

// The files through which records go down: each caller has one to itself, so
// that a slow provider holds up nobody else. One of each channel is kept, up to
// kMaxIdle of them; what is kept holds the module, so whoever sees it go says
// LetGo().
//
// Thread safety: any thread.
class Submitters {
 public:
  using Attach =
      std::function<absl::StatusOr<std::unique_ptr<Submitter>>(const std::string& channel)>;

  explicit Submitters(Attach attach) : attach_(std::move(attach)) {}

  // Nothing: this channel has no such way, take another one.
  std::optional<hub::KernelAnswer> Submit(const std::string& channel, uint16_t type,
                                          std::span<const std::byte> payload);

  // Keeps none that it has now, or that is in use.
  void LetGo();

 private:
  static constexpr size_t kMaxIdle = 8;

  // Null: none is kept.
  std::unique_ptr<Submitter> Take(const std::string& channel, uint64_t* version);
  void Give(const std::string& channel, std::unique_ptr<Submitter> submitter, uint64_t version);

  const Attach attach_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Submitter>> idle_;  // under mutex_, as is
  uint64_t version_ = 0;                                    // of the kernel side
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_SUBMITTERS_H_
