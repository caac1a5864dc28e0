// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BLOCKS_H_
#define KCHAN_BLOCKS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "kchan/client.h"

namespace kchan {

// Channels of volume "bulk": regions of blocks, read and written by extents.
// v1::Channel.block says how large they are. Offsets and lengths are bytes and
// multiples of block_bytes, or the daemon answers INVALID_ARGUMENT.

struct BlockTransferOptions {
  uint64_t offset_bytes = 0;
  // Of a BlockReader; 0: up to the end.
  uint64_t length_bytes = 0;
  // Bounds the life of the whole transfer.
  absl::Duration timeout = absl::InfiniteDuration();
};

// BlockReader reads one run of blocks, extent by extent. Not resumed by itself:
// after UNAVAILABLE make another one from offset_bytes() on.
//
// Thread safety: Next() from one thread at a time; Cancel() from any.
//
// Lifetime: what Next() gives dies with the next call. It keeps the client's
// connection, not the client.
class BlockReader {
 public:
  static std::unique_ptr<BlockReader> Open(const Client& client, std::string_view channel,
                                           const BlockTransferOptions& options = {});
  ~BlockReader();

  // The next extent, in order and without gaps; empty at the end, for ever. An
  // error is the end too: the daemon's, see rpc ReadBlocks, or DATA_LOSS if the
  // extents do not add up.
  absl::StatusOr<std::string_view> Next();

  // Where the next extent starts.
  uint64_t offset_bytes() const;

  // Ends it: a Next() that waits returns CANCELLED.
  void Cancel();

 private:
  class Impl;
  explicit BlockReader(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

// BlockWriter writes extents, in order.
//
// At most once: nothing is sent again. After an error what was written before
// it is; whether the extent that failed was, is not known after UNAVAILABLE,
// CANCELLED or DEADLINE_EXCEEDED.
//
// Thread safety: Write() and Close() from one thread at a time; Cancel() from
// any.
class BlockWriter {
 public:
  static std::unique_ptr<BlockWriter> Open(const Client& client, std::string_view channel,
                                           absl::Duration timeout = absl::InfiniteDuration());
  ~BlockWriter();

  // Hands `data`, whole blocks of any number, to the daemon, and waits only for
  // room on the connection. What the kernel refuses is told by a later call.
  absl::Status Write(uint64_t offset_bytes, std::string_view data);

  // Waits until the kernel has taken everything; with `flush`, until that is as
  // durable as the device can make it. Returns how many bytes were written.
  absl::StatusOr<uint64_t> Close(bool flush);

  // Ends it: a call that waits returns CANCELLED.
  void Cancel();

 private:
  class Impl;
  explicit BlockWriter(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

// Returns when everything written before is as durable as the device can make
// it. Any thread.
absl::Status FlushBlocks(const Client& client, std::string_view channel);

}  // namespace kchan

#endif  // KCHAN_BLOCKS_H_
