// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_KERNEL_DOOR_H_
#define KCHAN_BRIDGE_HUB_KERNEL_DOOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/hub/channel.h"

namespace kchan::hub {

// The kernel's own answer to one record or setting.
struct KernelAnswer {
  absl::Status status;   // made from kernel_errno, with the kernel's text
  int kernel_errno = 0;  // 0, or a positive errno
};

struct ChannelSettings {
  std::vector<std::pair<std::string, uint64_t>> parameters;
  std::optional<uint64_t> budget_bytes;
  std::optional<uint32_t> linger_ms;
};

// A wish about one word of a channel of values.
struct ValueChange {
  enum class Operation : uint8_t { kSet = 1, kAdd = 2, kCompareAndSwap = 3 };

  Operation operation = Operation::kSet;
  std::string word;
  Value operand;        // to set; int64_t: to add
  Value expected = {};  // of kCompareAndSwap
};

struct ValueChanged {
  bool applied = true;          // false: kCompareAndSwap found another value
  std::optional<Value> before;  // where the kernel tells it
  std::optional<Value> after;
};

// The one way down: everything that goes from remote clients towards the
// kernel passes here. Implemented by bridge/source.
//
// Thread safety: any thread.
class KernelDoor {
 public:
  virtual ~KernelDoor() = default;

  // Hands one record to the kernel and waits for its answer. Blocks for as
  // long as the provider's callback takes: call it from a thread that may
  // block. NOT_FOUND, FAILED_PRECONDITION (kernel side gone), UNIMPLEMENTED
  // (takes no records), or what the provider answered.
  virtual KernelAnswer Publish(const std::string& channel, uint32_t type,
                               std::span<const std::byte> payload) = 0;

  // Sets parameters and sizes, all or nothing, and waits. May block.
  virtual KernelAnswer Update(const std::string& channel, const ChannelSettings& settings) = 0;

  // A channel of values. May block. NOT_FOUND (channel or word),
  // FAILED_PRECONDITION (not a channel of values, or its kernel side is gone),
  // INVALID_ARGUMENT (does not fit the word), PERMISSION_DENIED (not writable),
  // UNIMPLEMENTED (no such operation), or what the provider answered.
  virtual absl::StatusOr<ValueSnapshot> ReadValues(const std::string& channel);
  virtual absl::StatusOr<ValueChanged> ChangeValue(const std::string& channel,
                                                   const ValueChange& change);

  // A channel of blocks; offsets and lengths are whole blocks inside the
  // region, of at most kMaxExtentBytes, which the caller has checked. May
  // block. UNAVAILABLE: the device went away; FAILED_PRECONDITION;
  // PERMISSION_DENIED: read-only.
  virtual absl::Status ReadBlocks(const std::string& channel, uint64_t offset,
                                  std::span<std::byte> to);
  virtual absl::Status WriteBlocks(const std::string& channel, uint64_t offset,
                                   std::span<const std::byte> from);
  virtual absl::Status FlushBlocks(const std::string& channel);

  // The number of a channel's readers went from or to zero; two such calls
  // may overtake each other, so what counts is channel->readers() now. Does
  // not block.
  virtual void DemandChanged(std::shared_ptr<Channel> channel) = 0;
};

inline constexpr size_t kMaxExtentBytes = size_t{1} << 20;

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_KERNEL_DOOR_H_
