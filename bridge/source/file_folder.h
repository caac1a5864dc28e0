// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_FILE_FOLDER_H_
#define KCHAN_BRIDGE_SOURCE_FILE_FOLDER_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/source/unique_fd.h"

namespace kchan::source {

// Whose records a file holds. The epoch is the channel's activation's
// (EpochOf()), so that it is another one after a boot, too.
struct FileOwner {
  std::string channel;
  uint64_t epoch = 0;
  uint64_t schema_id = 0;
};

// A file that the kernel writes or has written, open for reading.
struct FolderFile {
  UniqueFd fd;
  std::string path;
  uint64_t epoch = 0;
  uint64_t schema_id = 0;
};

// Where the files of FILE channels are. A file is named after its owner, so that
// what a daemon left behind is found by the next, which knows what is in it: the
// numbers of the records say what is new.
//
// Thread safety: the source thread only.
class FileFolder {
 public:
  explicit FileFolder(std::string path) : path_(std::move(path)) {}

  // A new, empty file, which may be written as well. FAILED_PRECONDITION: the
  // folder cannot be made or used; RESOURCE_EXHAUSTED: the disk is full.
  absl::StatusOr<FolderFile> Create(const FileOwner& owner);

  // What is left of the channel's records, of any epoch, oldest first, and at most
  // `max_bytes` of it: daemons that are killed over and over leave a file each.
  // The oldest are removed; who asks for their records sees by the numbers how
  // many there were. Errors as Create(): one of them cannot be opened now.
  absl::StatusOr<std::vector<FolderFile>> TakeOver(const std::string& channel, uint64_t max_bytes);

  // It has been read to its end.
  static void Remove(const FolderFile& file);

  // The last number that this process has read; 0: none of this epoch.
  uint64_t read_sequence(const std::string& channel, uint64_t epoch) const;
  void set_read_sequence(const std::string& channel, uint64_t epoch, uint64_t sequence) {
    read_[channel] = {epoch, sequence};
  }

 private:
  absl::Status Make() const;

  const std::string path_;
  // By channel: epoch and number.
  std::map<std::string, std::pair<uint64_t, uint64_t>> read_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_FILE_FOLDER_H_
