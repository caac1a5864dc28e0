// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_SUBMITTER_H_
#define KCHAN_BRIDGE_SOURCE_SUBMITTER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "bridge/hub/kernel_door.h"

namespace kchan::source {

// Hands records to one channel, by the channel's own transport.
//
// Thread safety: one thread at a time.
class Submitter {
 public:
  virtual ~Submitter() = default;

  // Waits for the kernel's answer.
  virtual hub::KernelAnswer Submit(uint16_t type, std::span<const std::byte> payload) = 0;

  // False: of no more use.
  virtual bool healthy() const = 0;
};

// The kernel's refusal of a record, with what the channel says about it.
hub::KernelAnswer Refusal(const std::string& channel, int error, std::string words);

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_SUBMITTER_H_
