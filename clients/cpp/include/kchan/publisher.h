// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_PUBLISHER_H_
#define KCHAN_PUBLISHER_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "kchan/client.h"

namespace kchan {

// Publisher sends records to the kernel, one after the other on one stream, and
// waits for the kernel's answer to each.
//
// At most once: nothing is ever sent again. When Publish() fails with
// UNAVAILABLE, CANCELLED or DEADLINE_EXCEEDED, whether the kernel took the
// record is not known; ask the channel itself before sending it again.
//
// Thread safety: Publish() and Close() from one thread at a time.
class Publisher {
 public:
  // `timeout` bounds the life of the whole stream.
  static std::unique_ptr<Publisher> Open(const Client& client,
                                         absl::Duration timeout = absl::InfiniteDuration());
  ~Publisher();

  // Sends one record and returns the kernel's status. An error of one record
  // leaves the stream usable; one of the stream is returned by every later
  // call. INVALID_ARGUMENT and NOT_FOUND: the record was refused.
  absl::Status Publish(std::string_view channel, uint32_t type, std::string_view payload);

  // The kernel side's answer to the last record: 0, or a positive errno.
  int kernel_errno() const;

  // Ends the stream: OK, or what went wrong with it.
  absl::Status Close();

 private:
  class Impl;
  explicit Publisher(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace kchan

#endif  // KCHAN_PUBLISHER_H_
