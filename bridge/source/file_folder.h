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

// A file that the kernel writes or has written, open for reading and writing.
struct FolderFile {
  UniqueFd fd;
  std::string path;
};

// Where the files of FILE channels are. A file is named after its channel and
// generation, so that what a daemon left behind that was killed is found, and
// is read if its generation still lasts: the numbers in it say what is new.
//
// Thread safety: the source thread only.
class FileFolder {
 public:
  explicit FileFolder(std::string path) : path_(std::move(path)) {}

  // A new, empty file. FAILED_PRECONDITION: the folder cannot be made or used;
  // RESOURCE_EXHAUSTED: the disk is full.
  absl::StatusOr<FolderFile> Create(const std::string& channel, uint64_t generation);

  // What is left of this generation, oldest first; files of the channel's other
  // generations are removed. Errors as Create(): one of them cannot be opened now.
  absl::StatusOr<std::vector<FolderFile>> TakeOver(const std::string& channel, uint64_t generation);

  // It has been read to its end.
  static void Remove(const FolderFile& file);

  // The last number that this process has read; 0: none of this generation.
  uint64_t read_sequence(const std::string& channel, uint64_t generation) const;
  void set_read_sequence(const std::string& channel, uint64_t generation, uint64_t sequence) {
    read_[channel] = {generation, sequence};
  }

 private:
  absl::Status Make() const;

  const std::string path_;
  // By channel: generation and number.
  std::map<std::string, std::pair<uint64_t, uint64_t>> read_;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_FILE_FOLDER_H_
