// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/file_submitter.h"

#include <linux/kchan.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bridge/source/frame_writer.h"

namespace kchan::source {

absl::StatusOr<std::unique_ptr<Submitter>> FileSubmitter::Attach(const std::string& device_path,
                                                                 const std::string& channel) {
  const std::string what = absl::StrCat("record to channel ", channel);
  auto attached =
      AttachedFile::Open(device_path, {.channel = channel, .role = KCHAN_ROLE_WRITER}, what);
  if (!attached.ok()) return attached.status();
  UniqueFd commands(memfd_create(absl::StrCat("kchan.", channel).c_str(), MFD_CLOEXEC));
  if (!commands) return absl::ErrnoToStatus(errno, absl::StrCat(what, ": a file for it"));
  return std::unique_ptr<Submitter>(
      new FileSubmitter(*std::move(attached), std::move(commands), channel));
}

hub::KernelAnswer FileSubmitter::Submit(uint16_t type, std::span<const std::byte> payload) {
  const std::vector<std::byte> frame = MakeFrame(type, payload);
  // The kernel reads from the file's position to its end.
  if (ftruncate(commands_.get(), 0) != 0 || lseek(commands_.get(), 0, SEEK_SET) != 0) {
    return Fail(errno);
  }
  const ssize_t written = pwrite(commands_.get(), frame.data(), frame.size(), 0);
  if (written != static_cast<ssize_t>(frame.size())) return Fail(written < 0 ? errno : EIO);
  return Hand();
}

hub::KernelAnswer FileSubmitter::Hand() {
  std::array<char, KCHAN_DOC_BYTES> words = {};
  kchan_file_hand hand = {};
  hand.fd = commands_.get();
  hand.role = KCHAN_FILE_COMMANDS;
  hand.text = reinterpret_cast<uintptr_t>(words.data());
  if (ioctl(attached_.fd(), KCHAN_IOC_FILE_HAND, &hand) != 0) return Fail(errno);
  if (hand.records != 1) return Fail(EIO);
  words.back() = '\0';
  return Refusal(channel_, static_cast<int>(hand.status), words.data());
}

hub::KernelAnswer FileSubmitter::Fail(int error) {
  healthy_ = false;
  return Refusal(channel_, error, "");
}

}  // namespace kchan::source
