// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/frame_writer.h"

#include <linux/kchan.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "bridge/source/attached_file.h"
#include "bridge/source/frame_parser.h"

namespace kchan::source {
namespace {

// ESHUTDOWN may also be what the channel's callback has said.
bool IsDead(int fd) {
  pollfd file{.fd = fd, .events = 0, .revents = 0};
  return poll(&file, 1, 0) == 1 && (file.revents & POLLHUP) != 0;
}

}  // namespace

std::vector<std::byte> MakeFrame(uint16_t type, std::span<const std::byte> payload) {
  std::vector<std::byte> frame(FrameBytes(payload.size()));
  kchan_frame header = {};
  header.magic = KCHAN_FRAME_MAGIC;
  header.length = static_cast<uint32_t>(payload.size());
  header.type = type;
  std::memcpy(frame.data(), &header, sizeof(header));
  std::copy(payload.begin(), payload.end(), frame.begin() + sizeof(header));
  return frame;
}

absl::StatusOr<std::unique_ptr<Submitter>> FrameWriter::Attach(const std::string& device_path,
                                                               const std::string& channel) {
  auto file = AttachedFile::Open(device_path, {.channel = channel, .write_only = true},
                                 absl::StrCat("record to channel ", channel));
  if (!file.ok()) return file.status();
  return std::make_unique<FrameWriter>(file->TakeFd(), channel);
}

hub::KernelAnswer FrameWriter::Submit(uint16_t type, std::span<const std::byte> payload) {
  const std::vector<std::byte> frame = MakeFrame(type, payload);
  // Not again on EINTR: the channel's callback may have said that.
  const ssize_t written = write(fd_.get(), frame.data(), frame.size());
  if (written == static_cast<ssize_t>(frame.size())) return Refusal(channel_, 0, "");
  const int error = written < 0 ? errno : EIO;
  healthy_ = error != ESHUTDOWN || !IsDead(fd_.get());
  return Refusal(channel_, error, "");
}

}  // namespace kchan::source
