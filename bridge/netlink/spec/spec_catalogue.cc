// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/spec/spec_catalogue.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "bridge/netlink/spec/yaml_tree.h"
#include "bridge/source/unique_fd.h"
#include "bridge/text/concat.h"

namespace kchan::netlink {
namespace {

constexpr size_t kMaxFiles = 1024;  // of one directory

// Of a regular file only: another might never end, or never begin.
absl::StatusOr<std::string> ReadSpecFile(const std::string& path) {
  const source::UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat file = {};
  if (fd.get() < 0 || fstat(fd.get(), &file) != 0)
    return absl::ErrnoToStatus(errno, "cannot be read");
  if (!S_ISREG(file.st_mode)) return absl::InvalidArgumentError("is no regular file");
  std::string text;
  // One more than a spec may have: that it is too long is for its parser to say.
  while (text.size() <= kMaxYamlBytes) {
    char buffer[16384];
    const ssize_t got = read(fd.get(), buffer, sizeof(buffer));
    if (got < 0) return absl::ErrnoToStatus(errno, "cannot be read");
    if (got == 0) break;
    text.append(buffer, static_cast<size_t>(got));
  }
  return text;
}

// The files of a directory whose names end in ".yaml" or ".yaml.gz", sorted.
absl::StatusOr<std::vector<std::string>> ListSpecFiles(const std::string& directory) {
  std::vector<std::string> paths;
  std::error_code error;
  std::filesystem::directory_iterator at(directory, error);
  while (!error && at != std::filesystem::directory_iterator()) {
    const std::string path = at->path().string();
    if (absl::EndsWith(path, ".yaml") || absl::EndsWith(path, ".yaml.gz")) paths.push_back(path);
    if (paths.size() > kMaxFiles) {
      return absl::ResourceExhaustedError(text::Concat("holds more than ", kMaxFiles, " specs"));
    }
    at.increment(error);
  }
  if (error) return absl::ErrnoToStatus(error.value(), "cannot be listed");
  std::sort(paths.begin(), paths.end());
  return paths;
}

absl::StatusOr<std::shared_ptr<const Spec>> ReadSpec(const std::string& path) {
  if (absl::EndsWith(path, ".gz")) {
    return absl::InvalidArgumentError("is compressed: unpack it with gunzip");
  }
  const absl::StatusOr<std::string> text = ReadSpecFile(path);
  if (!text.ok()) return text.status();
  absl::StatusOr<std::shared_ptr<const Spec>> spec = Spec::Parse(*text);
  if (spec.ok()) return spec;
  return absl::Status(spec.status().code(),
                      text::Concat("line ", std::string(spec.status().message())));
}

}  // namespace

SpecCatalogue SpecCatalogue::Load(std::span<const std::string> directories) {
  SpecCatalogue catalogue;
  for (const std::string& directory : directories) catalogue.LoadDirectory(directory);
  return catalogue;
}

void SpecCatalogue::LoadDirectory(const std::string& directory) {
  const absl::StatusOr<std::vector<std::string>> paths = ListSpecFiles(directory);
  if (!paths.ok()) {
    refused_.push_back({directory, std::string(paths.status().message())});
    return;
  }
  // As where the folder above it was named.
  if (paths->empty()) refused_.push_back({directory, "has no specification in it, FAMILY.yaml"});
  std::map<std::string, std::string> here;  // families of this directory and their files
  for (const std::string& path : *paths) {
    const absl::StatusOr<std::shared_ptr<const Spec>> spec = ReadSpec(path);
    if (!spec.ok()) {
      refused_.push_back({path, std::string(spec.status().message())});
      continue;
    }
    const std::string& family = (*spec)->name();
    const auto [other, is_new] = here.emplace(family, path);
    if (!is_new) {
      refused_.push_back({path, text::Concat("family ", family, " is in ", other->second, " too")});
      continue;
    }
    specs_[family] = {*spec, path};
  }
}

std::shared_ptr<const Spec> SpecCatalogue::Find(std::string_view family) const {
  const auto found = specs_.find(family);
  return found == specs_.end() ? nullptr : found->second.spec;
}

std::string_view SpecCatalogue::PathOf(std::string_view family) const {
  const auto found = specs_.find(family);
  return found == specs_.end() ? std::string_view() : found->second.path;
}

std::vector<std::string> SpecCatalogue::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : specs_) names.push_back(name);
  return names;
}

}  // namespace kchan::netlink
