// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_RING_READER_H_
#define KCHAN_BRIDGE_SOURCE_RING_READER_H_

#include <linux/kchan.h>

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/source/mapped_ring.h"

namespace kchan::source {

// Takes what a RingReader reads, in order. Each record and each lost one takes
// one number of its ring.
template <typename T>
concept RingSink = requires(T sink, const kchan_record& record, std::span<const std::byte> payload,
                            uint64_t count) {
  // `record.length` is the payload's; `record.lost_before` is what the header
  // says, OnLost() has been told already what is new of it.
  { sink.OnRecord(record, payload) } -> std::same_as<void>;
  // `count` records were lost here. Each loss is told once.
  { sink.OnLost(count) } -> std::same_as<void>;
};

// RingReader is the only consumer of one ring.
//
// A round, as its owner drives it:
//
//   reader->Drain(sink, max_bytes)   copy out until it returns 0 (or enough)
//   reader->ReportTailLoss(sink)     if EPOLLPRI was raised and Drain gave 0
//   reader->Release()                the ring's space, before anyone else sees
//                                    what was copied
//   .. publish what was copied ..
//   reader->Arm(..) || poll(fd())    true: another round at once
//
// Release before publish is what makes numbers go on after a kill -9: a number
// that somebody has seen belongs to space that no successor reads again.
//
// The end: dead() first, then Drain(); if dead() was true and Drain() gives 0,
// nothing can follow.
//
// Trust: nothing in the ring is believed. Positions and lengths are checked
// before use, each word is read once. What cannot be true ends the reader:
// every later Drain() returns the same DATA_LOSS.
//
// Thread safety: one thread at a time; dead() from any.
//
// Lifetime: a span given to the sink points into the ring and dies when the
// sink returns. Copy what you keep.
class RingReader {
 public:
  // Checks the ring's pages and finds where the reader before this one
  // stopped.
  //
  // FAILED_PRECONDITION: the ring speaks another ABI. DATA_LOSS: its pages
  // contradict themselves. UNAVAILABLE: the producer page could not be read
  // as one within a second.
  static absl::StatusOr<std::unique_ptr<RingReader>> Attach(std::unique_ptr<MappedRing> ring,
                                                            std::string name);

  // How many of the ring's numbers are used up already: records before the
  // first one that Drain() will give, and losses accounted for by readers
  // before this one. The first number of this reader is the next.
  uint64_t sequence_base() const { return sequence_base_; }
  // Numbers given to sinks by this reader, records and losses.
  uint64_t numbers_used() const { return records_read_ + (accounted_ - accounted_base_); }

  // Hands over what is complete, up to about `max_bytes` of ring space (at
  // least one record if there is any). Returns the ring space that was
  // walked, 0 if there is nothing. Does not release it.
  template <RingSink Sink>
  absl::StatusOr<size_t> Drain(Sink& sink, size_t max_bytes);

  // Tells the sink of losses that no record has carried so far. Nothing while
  // there is something to drain: that comes first. Costs a system call.
  template <RingSink Sink>
  absl::Status ReportTailLoss(Sink& sink);

  // Gives back the ring space of everything drained so far, and records which
  // losses are accounted for.
  void Release();

  // Asks to be woken when `bytes_ahead` more bytes are published: 1 when idle,
  // more to let a batch form (at most half a ring, so that the ring cannot
  // fill up asleep). Returns true if that is so already, or the ring is dead:
  // look again instead of waiting. Everything drained must be released.
  bool Arm(size_t bytes_ahead = 1);

  // True once no record will follow.
  bool dead() const;
  int fd() const { return ring_->fd(); }
  uint64_t generation() const { return generation_; }
  uint64_t data_bytes() const { return memory_.data_bytes; }
  uint32_t cpu() const { return cpu_; }
  // What is published and not drained, in bytes of ring space.
  absl::StatusOr<size_t> backlog_bytes();
  absl::StatusOr<kchan_ring_counters> ReadCounters() const { return ring_->ReadCounters(); }

 private:
  // The producer page's three, read as one.
  struct ProducerState {
    uint64_t position = 0;
    uint64_t sequence = 0;
    uint64_t lost = 0;
  };
  struct Header {
    kchan_record record;  // length without the DISCARD bit
    bool discarded;
    uint64_t total_bytes;
  };

  RingReader(std::unique_ptr<MappedRing> ring, std::string name);
  absl::Status CheckInfo();
  absl::Status FindStart();
  absl::StatusOr<ProducerState> ReadProducerState() const;
  // The header at `position`, of which `available` bytes are published. False
  // if it cannot be true.
  bool ReadHeader(uint64_t position, uint64_t available, Header* header) const;
  absl::StatusOr<uint64_t> PublishedEnd();
  absl::Status BadHeader(uint64_t position);
  absl::StatusOr<uint64_t> TakeTailLoss();
  const std::byte* At(uint64_t position) const {
    return memory_.data + (position & (memory_.data_bytes - 1));
  }

  const std::unique_ptr<MappedRing> ring_;
  const RingMemory memory_;
  const std::string name_;
  uint64_t generation_ = 0;
  uint32_t cpu_ = 0;
  uint64_t position_ = 0;        // drained up to here
  uint64_t carried_ = 0;         // losses in the headers below position_
  uint64_t accounted_ = 0;       // losses told to a sink, by anyone so far
  uint64_t accounted_base_ = 0;  // of those, by readers before this one
  uint64_t records_read_ = 0;
  uint64_t sequence_base_ = 0;
  absl::Status broken_;  // not OK: what ended the reader
};

inline bool RingReader::ReadHeader(uint64_t position, uint64_t available, Header* header) const {
  // No ring counts this far; what does would overflow our sums.
  constexpr uint64_t kMaxNumbers = 1ull << 62;

  if (available < sizeof(kchan_record)) return false;
  // Each word once, or what was checked could change before it is used.
  const auto* words = reinterpret_cast<const uint64_t*>(At(position));
  const std::array<uint64_t, 3> copy = {__atomic_load_n(&words[0], __ATOMIC_RELAXED),
                                        __atomic_load_n(&words[1], __ATOMIC_RELAXED),
                                        __atomic_load_n(&words[2], __ATOMIC_RELAXED)};
  static_assert(sizeof(copy) == sizeof(kchan_record));
  header->record = std::bit_cast<kchan_record>(copy);
  header->discarded = (header->record.length & KCHAN_RECORD_DISCARD) != 0;
  header->record.length &= KCHAN_RECORD_LENGTH_MASK;
  header->total_bytes =
      (sizeof(kchan_record) + uint64_t{header->record.length} + (KCHAN_RECORD_ALIGN - 1)) &
      ~uint64_t{KCHAN_RECORD_ALIGN - 1};
  return header->record.length <= KCHAN_MAX_RECORD_BYTES && header->total_bytes <= available &&
         header->record.lost_before <= kMaxNumbers - carried_;
}

template <RingSink Sink>
absl::StatusOr<size_t> RingReader::Drain(Sink& sink, size_t max_bytes) {
  const absl::StatusOr<uint64_t> end = PublishedEnd();
  if (!end.ok()) return end.status();

  const uint64_t start = position_;
  while (position_ != *end && position_ - start < max_bytes) {
    Header header;
    if (!ReadHeader(position_, *end - position_, &header)) return BadHeader(position_);

    carried_ += header.record.lost_before;
    if (carried_ > accounted_) [[unlikely]] {
      const uint64_t lost = carried_ - accounted_;
      accounted_ = carried_;
      sink.OnLost(lost);
    }
    if (!header.discarded) [[likely]] {
      ++records_read_;
      sink.OnRecord(header.record, std::span<const std::byte>(At(position_) + sizeof(kchan_record),
                                                              header.record.length));
    }
    position_ += header.total_bytes;
  }
  return position_ - start;
}

template <RingSink Sink>
absl::Status RingReader::ReportTailLoss(Sink& sink) {
  const absl::StatusOr<uint64_t> lost = TakeTailLoss();
  if (!lost.ok()) return lost.status();
  if (*lost > 0) sink.OnLost(*lost);
  return absl::OkStatus();
}

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_RING_READER_H_
