// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/file_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "bridge/text/concat.h"

namespace kchan::source {
namespace {

// "<channel>.<epoch>.<schema>.<index>"; a channel's name may have dots, too.
std::string FileName(const FileOwner& owner, uint32_t index) {
  return absl::StrFormat("%s.%016x.%016x.%010u", owner.channel, owner.epoch, owner.schema_id,
                         index);
}

struct Parsed {
  FileOwner owner;
  uint32_t index = 0;
};

// Nothing: a file with this name is none of the channel's.
std::optional<Parsed> ParseName(std::string_view name, const std::string& channel) {
  if (!name.starts_with(channel)) return std::nullopt;
  const std::vector<std::string> parts =
      absl::StrSplit(std::string(name.substr(channel.size())), '.');
  Parsed parsed{.owner = {.channel = channel}};
  if (parts.size() != 4 || !absl::SimpleHexAtoi(parts[1], &parsed.owner.epoch) ||
      !absl::SimpleHexAtoi(parts[2], &parsed.owner.schema_id) ||
      !absl::SimpleAtoi(parts[3], &parsed.index) || parsed.owner.epoch == 0 ||
      FileName(parsed.owner, parsed.index) != name) {
    return std::nullopt;
  }
  return parsed;
}

// By index. An error number if the folder cannot be read; that it is not there is
// none.
using Files = std::vector<std::pair<std::string, Parsed>>;
int List(const std::string& path, const std::string& channel, Files& files) {
  DIR* folder = opendir(path.c_str());
  if (folder == nullptr) return errno == ENOENT ? 0 : errno;
  while (const dirent* entry = readdir(folder)) {
    if (const auto parsed = ParseName(entry->d_name, channel)) {
      files.emplace_back(entry->d_name, *parsed);
    }
  }
  closedir(folder);
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.second.index < b.second.index; });
  return 0;
}

bool IsShortage(int error) {
  return error == ENOSPC || error == EDQUOT || error == EMFILE || error == ENFILE ||
         error == ENOMEM;
}

absl::Status Unusable(const std::string& path, int error) {
  if (IsShortage(error)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("a file for the kernel in ", path, ": ", std::strerror(error)));
  }
  return absl::FailedPreconditionError(
      absl::StrCat("a file for the kernel in ", path, ": ", std::strerror(error),
                   ": make this folder writable for kchand, or set file_directory"));
}

// It is there and no link, socket or device, which the kernel has not written.
bool MayHoldRecords(int error) { return error != ENOENT && error != ELOOP && error != ENXIO; }

// It has records that are nowhere else: who tries again may read it.
absl::Status Unreadable(const std::string& path, int error) {
  const std::string what = absl::StrCat("open ", path, ": ", std::strerror(error));
  if (IsShortage(error)) return absl::ResourceExhaustedError(what);
  return absl::FailedPreconditionError(
      absl::StrCat(what,
                   ": it may hold records that nobody has read: let kchand read it, or "
                   "move it away"));
}

}  // namespace

absl::Status FileFolder::Make() const {
  // Only the last two parts: /var/lib/kchand is this daemon's own as well.
  const std::string parent = path_.substr(0, path_.rfind('/'));
  if (!parent.empty()) mkdir(parent.c_str(), 0755);
  if (mkdir(path_.c_str(), 0700) == 0 || errno == EEXIST) return absl::OkStatus();
  return Unusable(path_, errno);
}

absl::StatusOr<FolderFile> FileFolder::Create(const FileOwner& owner) {
  if (absl::Status status = Make(); !status.ok()) return status;
  Files files;
  if (const int error = List(path_, owner.channel, files)) return Unusable(path_, error);
  uint32_t index = files.empty() ? 0 : files.back().second.index;
  for (;;) {
    FolderFile file{.fd = {},
                    .path = text::Concat(path_, "/", FileName(owner, ++index)),
                    .epoch = owner.epoch,
                    .schema_id = owner.schema_id};
    file.fd =
        UniqueFd(open(file.path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.fd) return file;
    if (errno != EEXIST) return Unusable(path_, errno);
  }
}

absl::StatusOr<std::vector<FolderFile>> FileFolder::TakeOver(const std::string& channel,
                                                             uint64_t max_bytes) {
  Files files;
  if (const int error = List(path_, channel, files)) return Unusable(path_, error);
  // The newest first: what is beyond max_bytes is the oldest.
  std::vector<FolderFile> taken;
  uint64_t bytes = 0;
  for (auto at = files.rbegin(); at != files.rend(); ++at) {
    const auto& [name, parsed] = *at;
    FolderFile file{.fd = {},
                    .path = text::Concat(path_, "/", name),
                    .epoch = parsed.owner.epoch,
                    .schema_id = parsed.owner.schema_id};
    file.fd = UniqueFd(open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file.fd && MayHoldRecords(errno)) return Unreadable(file.path, errno);
    struct stat status = {};
    const bool is_file = file.fd && fstat(file.fd.get(), &status) == 0 && S_ISREG(status.st_mode);
    if (is_file) bytes += static_cast<uint64_t>(status.st_size);
    if (is_file && (bytes <= max_bytes || taken.empty())) {
      taken.push_back(std::move(file));
    } else {
      Remove(file);
    }
  }
  std::reverse(taken.begin(), taken.end());
  return taken;
}

void FileFolder::Remove(const FolderFile& file) { unlink(file.path.c_str()); }

uint64_t FileFolder::read_sequence(const std::string& channel, uint64_t epoch) const {
  const auto found = read_.find(channel);
  if (found == read_.end() || found->second.first != epoch) return 0;
  return found->second.second;
}

}  // namespace kchan::source
