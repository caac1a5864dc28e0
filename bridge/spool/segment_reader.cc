// SPDX-License-Identifier: Apache-2.0
#include "bridge/spool/segment_reader.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "bridge/spool/bytes.h"

namespace kchan::spool {
namespace {

constexpr size_t kWindowBytes = 128 << 10;

}  // namespace

std::unique_ptr<SegmentReader> SegmentReader::Open(Files& files, const std::string& path,
                                                   int& error, std::optional<uint64_t> bytes) {
  const int fd = files.Open(path);
  if (fd < 0) {
    error = fd;
    return nullptr;
  }
  OpenFile file(files, fd);
  const int64_t size = files.Size(fd);
  if (size < 0) {
    error = static_cast<int>(size);
    return nullptr;
  }
  const uint64_t all = static_cast<uint64_t>(size);
  return std::unique_ptr<SegmentReader>(
      new SegmentReader(files, std::move(file), bytes ? std::min(*bytes, all) : all));
}

std::optional<DecodedHeader> SegmentReader::ReadHeader() {
  if (!FillWindow(0)) return std::nullopt;
  std::optional<DecodedHeader> decoded = DecodeHeader(window_);
  if (decoded) salt_ = decoded->header.salt;
  return decoded;
}

std::optional<FrameHeader> SegmentReader::FrameAt(uint64_t offset) {
  std::array<std::byte, kFrameHeaderBytes> bytes;
  if (offset > size_ || size_ - offset < bytes.size() || !ReadAt(offset, bytes)) {
    return std::nullopt;
  }
  std::optional<FrameHeader> frame = DecodeFrame(bytes, salt_);
  if (frame && frame->file_bytes() > size_ - offset) return std::nullopt;
  return frame;
}

bool SegmentReader::ReadPayload(const FrameHeader& frame, uint64_t offset,
                                std::span<std::byte> to) {
  return ReadAt(offset + kFrameHeaderBytes, to) && IsPayloadOf(frame, to, salt_);
}

uint64_t SegmentReader::FindFrame(uint64_t offset) {
  offset = (offset + kAlignment - 1) / kAlignment * kAlignment;
  for (; offset < size_ && error_ == 0; offset += kAlignment) {
    if (FrameAt(offset)) return offset;
  }
  return size_;
}

bool SegmentReader::ReadAt(uint64_t offset, std::span<std::byte> to) {
  if (to.size() >= kWindowBytes) {
    const int64_t got = files_.Read(file_.fd(), to, offset);
    if (got < 0) error_ = static_cast<int>(got);
    return got == static_cast<int64_t>(to.size());
  }
  const auto is_inside = [&] {
    return offset >= window_offset_ && offset - window_offset_ <= window_.size() &&
           window_.size() - (offset - window_offset_) >= to.size();
  };
  if (!is_inside() && (!FillWindow(offset) || !is_inside())) return false;
  std::memcpy(to.data(), window_.data() + (offset - window_offset_), to.size());
  return true;
}

bool SegmentReader::FillWindow(uint64_t offset) {
  window_.resize(offset >= size_ ? 0 : std::min<uint64_t>(kWindowBytes, size_ - offset));
  window_offset_ = offset;
  const int64_t got = files_.Read(file_.fd(), window_, offset);
  if (got < 0) error_ = static_cast<int>(got);
  window_.resize(static_cast<size_t>(std::max<int64_t>(got, 0)));
  return got >= 0;
}

std::optional<PlacedFrame> FrameWalker::Next() {
  while (offset_ < reader_.size() && reader_.error() == 0) {
    const std::optional<FrameHeader> frame = reader_.FrameAt(offset_);
    if (frame && frame->first_sequence >= next_sequence_) {
      const PlacedFrame found{.header = *frame, .offset = offset_};
      offset_ += frame->file_bytes();
      next_sequence_ = frame->last_sequence + 1;
      return found;
    }
    if (reader_.error() != 0) break;
    offset_ = reader_.FindFrame(offset_ + kAlignment);
  }
  return std::nullopt;
}

}  // namespace kchan::spool
