// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/relay_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/source/text_scan.h"
#include "bridge/text/concat.h"

namespace kchan::source {
namespace {

constexpr std::string_view kUsualMount = "/sys/kernel/debug";
constexpr std::string_view kCpuFile = "cpu";

std::string ReadMountinfo() {
  std::ifstream file("/proc/self/mountinfo");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The word at `index` of a line; empty if there are not so many.
std::string_view WordAt(std::string_view line, size_t index) {
  for (; index != 0; --index) {
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) return {};
    line.remove_prefix(space + 1);
  }
  return line.substr(0, line.find(' '));
}

absl::Status FolderError(const std::string& what, const std::string& path, int error) {
  const std::string text = absl::StrCat(what, ": ", path, ": ", std::strerror(error));
  switch (error) {
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(
          absl::StrCat(text, ": relay buffers are read by root, and debugfs may be locked down"));
    case EBUSY:
      return absl::AlreadyExistsError(
          absl::StrCat(text, ": it has a reader already: stop that one, or read through it"));
    case EAGAIN:
      return absl::UnavailableError(text);
    default:
      return absl::ErrnoToStatus(error, text);
  }
}

}  // namespace

// 36 35 98:0 /root /mount options... - type source options
std::string FindDebugfs(std::string_view mountinfo) {
  while (!mountinfo.empty()) {
    const size_t end = std::min(mountinfo.find('\n'), mountinfo.size());
    const std::string_view line = mountinfo.substr(0, end);
    mountinfo.remove_prefix(std::min(end + 1, mountinfo.size()));
    const size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    if (WordAt(line.substr(dash + 3), 0) != "debugfs" || WordAt(line, 3) != "/") continue;
    return std::string(WordAt(line, 4));
  }
  return "";
}

absl::StatusOr<std::unique_ptr<RelayFiles>> DebugfsRelayFiles::Enable(uint16_t family,
                                                                      const std::string& channel,
                                                                      const std::string& path) {
  const std::string mount = FindDebugfs(ReadMountinfo());
  if (mount.empty()) {
    return absl::FailedPreconditionError(
        text::Concat("channel ", channel,
                     ": relay buffers are read through debugfs, which is not "
                     "mounted here: mount -t debugfs none ",
                     kUsualMount, ", or give the container the host's"));
  }
  std::string_view below = path;
  if (!below.starts_with(kUsualMount)) {
    return absl::InternalError(
        text::Concat("channel ", channel, ": its folder ", path, " is not in debugfs"));
  }
  below.remove_prefix(kUsualMount.size());

  auto control = KernelControl::Open(family);
  if (!control.ok()) return control.status();
  const absl::StatusOr<EnabledMessage> enabled = (*control)->Enable(channel);
  if (!enabled.ok()) return enabled.status();
  std::unique_ptr<DebugfsRelayFiles> files(new DebugfsRelayFiles(
      *std::move(control), channel, text::Concat(mount, below), enabled->generation));
  if (auto cpus = files->Cpus(); !cpus.ok()) return cpus.status();
  return files;
}

DebugfsRelayFiles::DebugfsRelayFiles(std::unique_ptr<KernelControl> control, std::string channel,
                                     std::string folder, uint64_t generation)
    : control_(std::move(control)),
      channel_(std::move(channel)),
      folder_(std::move(folder)),
      generation_(generation),
      inotify_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  // Without it a CPU that comes up later is found when it is announced.
  if (inotify_ && inotify_add_watch(inotify_.get(), folder_.c_str(), IN_CREATE) < 0) {
    inotify_.Reset();
  }
}

absl::StatusOr<std::vector<uint32_t>> DebugfsRelayFiles::Cpus() {
  DIR* folder = opendir(folder_.c_str());
  if (folder == nullptr) {
    return FolderError(absl::StrCat("channel ", channel_), folder_, errno);
  }
  std::vector<uint32_t> cpus;
  while (const dirent* entry = readdir(folder)) {
    std::string_view name = entry->d_name;
    if (!name.starts_with(kCpuFile)) continue;
    name.remove_prefix(kCpuFile.size());
    uint32_t cpu = 0;
    if (TakeNumber(name, cpu) && name.empty()) cpus.push_back(cpu);
  }
  closedir(folder);
  std::sort(cpus.begin(), cpus.end());
  return cpus;
}

absl::StatusOr<UniqueFd> DebugfsRelayFiles::Open(uint32_t cpu) {
  const std::string path = absl::StrCat(folder_, "/cpu", cpu);
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return FolderError(absl::StrCat("channel ", channel_), path, errno);
  return fd;
}

absl::StatusOr<std::map<uint32_t, uint64_t>> DebugfsRelayFiles::ReadSequences() {
  const auto stats = control_->GetStats(channel_);
  if (!stats.ok()) return stats.status();
  std::map<uint32_t, uint64_t> sequences;
  for (const RingStatsMessage& ring : stats->rings) sequences[ring.cpu] = ring.read_sequence;
  return sequences;
}

void DebugfsRelayFiles::ClearFolderEvents() {
  char events[4096];
  while (read(inotify_.get(), events, sizeof(events)) > 0) {
  }
}

}  // namespace kchan::source
