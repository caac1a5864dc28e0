// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/kmsg_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "bridge/source/event_loop.h"
#include "bridge/source/kernel_messages.h"
#include "bridge/source/kmsg_payload.h"
#include "bridge/source/unique_fd.h"
#include "bridge/text/concat.h"

namespace kchan::source {
namespace {

// With the prefix below what all kernels take (976 in 6.1).
constexpr size_t kMaxTextBytes = 900;
// As the kernel's own limit, DEFAULT_RATELIMIT_*.
constexpr size_t kLinesAtOnce = 10;
constexpr absl::Duration kLinesInterval = absl::Seconds(5);

hub::KernelAnswer Refuse(absl::Status status, int error = 0) {
  return {.status = std::move(status), .kernel_errno = error};
}

hub::KernelAnswer Failed(const char* what, const std::string& path, int error) {
  std::string message = text::Concat(path, ": ", what);
  if (error == EPERM || error == EACCES) {
    message += ": kchand needs the right to write it (root, or the file's group)";
  }
  return Refuse(absl::ErrnoToStatus(error, message), error);
}

// How the kernel treats lines that programs write.
enum class DevkmsgPolicy : uint8_t { kRateLimit, kOn, kOff };

DevkmsgPolicy ReadPolicy() {
  std::string word;
  std::ifstream("/proc/sys/kernel/printk_devkmsg") >> word;
  if (word == "on") return DevkmsgPolicy::kOn;
  if (word == "off") return DevkmsgPolicy::kOff;
  return DevkmsgPolicy::kRateLimit;
}

}  // namespace

absl::StatusOr<std::string> KmsgLineOf(std::span<const std::byte> payload) {
  const auto wrong = [](const std::string& what) {
    return absl::InvalidArgumentError("line for the kernel log: " + what);
  };
  KmsgLine line{};
  if (payload.size() < sizeof(line)) return wrong("too short to be one");
  std::memcpy(&line, payload.data(), sizeof(line));
  std::string_view text(reinterpret_cast<const char*>(payload.data()), payload.size());
  text.remove_prefix(sizeof(line));
  text = text.substr(0, text.find('\0'));
  if (line.level == 0) line.level = kDefaultLevel;
  if (line.facility == 0) line.facility = kUserFacility;
  if (line.level > 7) return wrong(absl::StrCat("level ", line.level, " is none of 1 to 7"));
  if (line.facility > kMaxFacility) {
    return wrong(absl::StrCat("facility ", line.facility, " is none of 1 to ", kMaxFacility));
  }
  if (text.empty()) return wrong("it has no text");
  if (text.size() > kMaxTextBytes) {
    return wrong(absl::StrCat(text.size(), " bytes of text, at most ", kMaxTextBytes, " fit"));
  }
  const int priority = line.facility << 3 | line.level;
  // Without its newline the kernel would wait for the rest of the line.
  return absl::StrCat("<", priority, ">kchand: ", Printable(text), "\n");
}

hub::KernelAnswer KmsgWriter::Write(const std::string& line) {
  if (absl::Status status = TakeTurn(); !status.ok()) return Refuse(std::move(status));
  // A file of its own for each line: the kernel's limit is per file, and ours
  // has been kept.
  const UniqueFd file(open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file) return Failed("cannot be opened to write", path_, errno);
  const ssize_t written = write(file.get(), line.data(), line.size());
  if (written < 0) return Failed("cannot be written", path_, errno);
  return {};
}

absl::Status KmsgWriter::TakeTurn() {
  switch (ReadPolicy()) {
    case DevkmsgPolicy::kOn:
      return absl::OkStatus();
    case DevkmsgPolicy::kOff:
      return absl::FailedPreconditionError(
          "this kernel takes no lines from programs: set kernel.printk_devkmsg to ratelimit or on "
          "(it cannot be set any more if it came with the kernel's command line)");
    case DevkmsgPolicy::kRateLimit:
      break;
  }
  const absl::Time now = MonotonicNow();
  const std::lock_guard lock(mutex_);
  while (!recent_.empty() && recent_.front() <= now - kLinesInterval) recent_.pop_front();
  if (recent_.size() >= kLinesAtOnce) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the kernel log takes ", kLinesAtOnce, " lines in ", absl::ToInt64Seconds(kLinesInterval),
        " s from programs: try again later, or set kernel.printk_devkmsg to on on the node"));
  }
  recent_.push_back(now);
  return absl::OkStatus();
}

}  // namespace kchan::source
