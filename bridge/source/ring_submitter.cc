// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/ring_submitter.h"

#include <linux/kchan.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace kchan::source {
namespace {

uint64_t RecordBytes(size_t length) {
  return (sizeof(kchan_record) + length + KCHAN_RECORD_ALIGN - 1) / KCHAN_RECORD_ALIGN *
         KCHAN_RECORD_ALIGN;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Submitter>> RingSubmitter::Attach(const std::string& device_path,
                                                                 const std::string& channel) {
  auto file = AttachedFile::Open(device_path, {.channel = channel, .role = KCHAN_ROLE_WRITER},
                                 absl::StrCat("record to channel ", channel));
  if (!file.ok()) return file.status();
  std::unique_ptr<RingSubmitter> submitter(new RingSubmitter(*std::move(file), channel));
  if (absl::Status status = submitter->Map(); !status.ok()) return status;
  return submitter;
}

RingSubmitter::~RingSubmitter() {
  if (area_ != nullptr) munmap(area_, 2 * file_.attach().data_bytes);
}

absl::Status RingSubmitter::Map() {
  const uint64_t bytes = file_.attach().data_bytes;
  if (bytes == 0 || bytes > KCHAN_MAX_RING_BYTES || (bytes & (bytes - 1)) != 0) {
    return absl::InternalError(absl::StrCat("record to channel ", channel_,
                                            ": the kernel says its area has ", bytes, " bytes"));
  }
  void* area = mmap(nullptr, 2 * bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_.fd(), 0);
  if (area == MAP_FAILED) {
    return absl::ErrnoToStatus(errno,
                               absl::StrCat("record to channel ", channel_, ": mapping its area"));
  }
  area_ = static_cast<std::byte*>(area);
  return absl::OkStatus();
}

hub::KernelAnswer RingSubmitter::Submit(uint16_t type, std::span<const std::byte> payload) {
  const uint64_t data_bytes = file_.attach().data_bytes;
  const uint64_t bytes = RecordBytes(payload.size());
  if (bytes > data_bytes) return Refusal(channel_, EMSGSIZE, "it is longer than the ring");
  kchan_record header = {};
  header.length = static_cast<uint32_t>(payload.size());
  header.type = type;
  std::byte* to = area_ + (position_ & (data_bytes - 1));
  std::memcpy(to, &header, sizeof(header));
  std::copy(payload.begin(), payload.end(), to + sizeof(header));
  return Ring(position_ + bytes);
}

hub::KernelAnswer RingSubmitter::Ring(uint64_t head) {
  int32_t status = 0;
  std::array<char, KCHAN_DOC_BYTES> words = {};
  kchan_doorbell doorbell = {};
  doorbell.head = head;
  doorbell.statuses = reinterpret_cast<uintptr_t>(&status);
  doorbell.text = reinterpret_cast<uintptr_t>(words.data());
  doorbell.max_records = 1;
  if (ioctl(file_.fd(), KCHAN_IOC_DOORBELL, &doorbell) != 0) {
    healthy_ = false;
    return Refusal(channel_, errno, "");
  }
  if (doorbell.count != 1 || doorbell.tail != head) {
    healthy_ = false;
    return Refusal(channel_, EIO, "the kernel did not take it");
  }
  position_ = head;
  words.back() = '\0';
  return Refusal(channel_, -status, words.data());
}

}  // namespace kchan::source
