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
#include "bridge/hub/concat.h"

namespace kchan::source {
namespace {

constexpr size_t kGenerationDigits = 16;
constexpr size_t kIndexDigits = 10;

// "<channel>.<generation>.<index>"; a channel's name may have dots, too.
std::string FileName(const std::string& channel, uint64_t generation, uint32_t index) {
  return absl::StrFormat("%s.%016x.%010u", channel, generation, index);
}

struct Parsed {
  uint64_t generation = 0;
  uint32_t index = 0;
};

std::optional<Parsed> ParseName(std::string_view name, std::string_view channel) {
  if (name.size() != channel.size() + kGenerationDigits + kIndexDigits + 2 ||
      !name.starts_with(channel) || name[channel.size()] != '.' ||
      name[channel.size() + 1 + kGenerationDigits] != '.') {
    return std::nullopt;
  }
  Parsed parsed;
  const std::string generation(name.substr(channel.size() + 1, kGenerationDigits));
  const std::string index(name.substr(name.size() - kIndexDigits));
  if (!absl::SimpleHexAtoi(generation, &parsed.generation) ||
      !absl::SimpleAtoi(index, &parsed.index)) {
    return std::nullopt;
  }
  return parsed;
}

std::vector<std::pair<std::string, Parsed>> List(const std::string& path,
                                                 const std::string& channel) {
  std::vector<std::pair<std::string, Parsed>> files;
  DIR* folder = opendir(path.c_str());
  if (folder == nullptr) return files;
  while (const dirent* entry = readdir(folder)) {
    if (const auto parsed = ParseName(entry->d_name, channel)) {
      files.emplace_back(entry->d_name, *parsed);
    }
  }
  closedir(folder);
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.second.index < b.second.index; });
  return files;
}

absl::Status Unusable(const std::string& path, int error) {
  if (error == ENOSPC || error == EDQUOT || error == EMFILE || error == ENFILE || error == ENOMEM) {
    return absl::ResourceExhaustedError(
        absl::StrCat("a file for the kernel in ", path, ": ", std::strerror(error)));
  }
  return absl::FailedPreconditionError(
      absl::StrCat("a file for the kernel in ", path, ": ", std::strerror(error),
                   ": make this folder writable for kchand, or set file_directory"));
}

}  // namespace

absl::Status FileFolder::Make() const {
  // Only the last two parts: /var/lib/kchand is this daemon's own as well.
  const std::string parent = path_.substr(0, path_.rfind('/'));
  if (!parent.empty()) mkdir(parent.c_str(), 0755);
  if (mkdir(path_.c_str(), 0700) == 0 || errno == EEXIST) return absl::OkStatus();
  return Unusable(path_, errno);
}

absl::StatusOr<FolderFile> FileFolder::Create(const std::string& channel, uint64_t generation) {
  if (absl::Status status = Make(); !status.ok()) return status;
  const auto files = List(path_, channel);
  uint32_t index = files.empty() ? 0 : files.back().second.index;
  for (;;) {
    FolderFile file{.fd = {},
                    .path = hub::Concat({path_, "/", FileName(channel, generation, ++index)})};
    file.fd =
        UniqueFd(open(file.path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.fd) return file;
    if (errno != EEXIST) return Unusable(path_, errno);
  }
}

absl::StatusOr<std::vector<FolderFile>> FileFolder::TakeOver(const std::string& channel,
                                                             uint64_t generation) {
  std::vector<FolderFile> taken;
  for (const auto& [name, parsed] : List(path_, channel)) {
    FolderFile file{.fd = {}, .path = hub::Concat({path_, "/", name})};
    if (parsed.generation != generation) {
      Remove(file);
      continue;
    }
    file.fd = UniqueFd(open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    // It has records that are nowhere else: who tries again may read it.
    if (!file.fd && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
      return Unusable(path_, errno);
    }
    struct stat status = {};
    if (file.fd && fstat(file.fd.get(), &status) == 0 && S_ISREG(status.st_mode)) {
      taken.push_back(std::move(file));
    } else {
      Remove(file);
    }
  }
  return taken;
}

void FileFolder::Remove(const FolderFile& file) { unlink(file.path.c_str()); }

uint64_t FileFolder::read_sequence(const std::string& channel, uint64_t generation) const {
  const auto found = read_.find(channel);
  if (found == read_.end() || found->second.first != generation) return 0;
  return found->second.second;
}

}  // namespace kchan::source
