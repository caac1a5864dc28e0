// SPDX-License-Identifier: Apache-2.0
#include "bridge/spool/segment_writer.h"

#include <array>
#include <optional>
#include <random>
#include <utility>

#include "bridge/hub/element.h"
#include "bridge/text/concat.h"

namespace kchan::spool {
namespace {

constexpr std::array<std::byte, kAlignment> kFill{};

uint64_t RandomSalt() {
  std::random_device random;
  return uint64_t{random()} << 32 | random();
}

iovec PartOf(std::span<const std::byte> bytes) {
  // iovec serves reading, too; it is only read from here.
  return {.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
}

uint32_t CountRecords(std::span<const std::byte> bytes) {
  uint32_t records = 0;
  while (const std::optional<hub::Element> element = hub::ParseElement(bytes)) {
    records += element->is_record ? 1 : 0;
    bytes = bytes.subspan(element->bytes);
  }
  return records;
}

}  // namespace

SegmentWriter::SegmentWriter(Files& files, std::string folder, OpenFile file, SegmentHeader header)
    : files_(files),
      folder_(std::move(folder)),
      file_(std::move(file)),
      header_(std::move(header)) {}

std::unique_ptr<SegmentWriter> SegmentWriter::Create(Files& files, const std::string& folder,
                                                     uint32_t index, SegmentHeader header,
                                                     int& error) {
  header.salt = RandomSalt();
  const std::string path = text::Concat(folder, "/", OpenName(index));
  const int fd = files.Create(path);
  if (fd < 0) {
    error = fd;
    return nullptr;
  }
  const std::vector<std::byte> bytes = EncodeHeader(header);
  std::unique_ptr<SegmentWriter> writer(
      new SegmentWriter(files, folder, OpenFile(files, fd), std::move(header)));
  const iovec part = PartOf(bytes);
  error = files.Write(fd, std::span(&part, 1), 0);
  if (error < 0) {
    (void)files.Remove(path);
    return nullptr;
  }
  writer->bytes_ = bytes.size();
  writer->facts_ = {.index = index,
                    .epoch = writer->header_.epoch,
                    .schema_id = writer->header_.schema_id,
                    .first_sequence = writer->header_.first_sequence,
                    .last_sequence = writer->header_.first_sequence - 1,
                    .records = 0,
                    .after_unseen = writer->header_.after_unseen};
  return writer;
}

int SegmentWriter::Append(uint64_t first_sequence, uint64_t last_sequence,
                          std::span<const std::span<const std::byte>> parts, uint64_t unix_ns) {
  FrameHeader frame{
      .first_sequence = first_sequence, .last_sequence = last_sequence, .unix_ns = unix_ns};
  PayloadCrc crc(header_.salt);
  std::vector<iovec> vector(1);
  for (const std::span<const std::byte> part : parts) {
    crc.Add(part);
    frame.records += CountRecords(part);
    frame.payload_bytes += static_cast<uint32_t>(part.size());
    vector.push_back(PartOf(part));
  }
  frame.payload_crc = crc.value();
  const auto header = EncodeFrame(frame, header_.salt);
  vector.front() = PartOf(header);
  const uint64_t unfilled = kFrameHeaderBytes + frame.payload_bytes;
  vector.push_back(PartOf(std::span(kFill).first(frame.file_bytes() - unfilled)));

  if (const int error = files_.Write(file_.fd(), vector, bytes_); error < 0) {
    // A part of it may be there. If even that cannot be taken back, it is a torn
    // end, which every reader knows.
    (void)files_.Truncate(file_.fd(), bytes_);
    return error;
  }
  bytes_ += frame.file_bytes();
  ++frames_;
  facts_.last_sequence = last_sequence;
  facts_.records += frame.records;
  return 0;
}

int SegmentWriter::Sync() { return files_.Sync(file_.fd()); }

int SegmentWriter::Close(bool sync) {
  if (is_closed_) return 0;
  if (sync) {
    if (const int error = Sync(); error < 0) return error;
  }
  const std::string from = text::Concat(folder_, "/", OpenName(facts_.index));
  const std::string to = text::Concat(folder_, "/", ClosedName(facts_));
  if (const int error = is_empty() ? files_.Remove(from) : files_.Rename(from, to); error < 0) {
    return error;
  }
  is_closed_ = true;
  file_.Reset();
  return sync ? files_.SyncFolder(folder_) : 0;
}

}  // namespace kchan::spool
