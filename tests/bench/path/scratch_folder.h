// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_BENCH_PATH_SCRATCH_FOLDER_H_
#define KCHAN_TESTS_BENCH_PATH_SCRATCH_FOLDER_H_

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace kchan::bench {

// An empty folder in TMPDIR that goes when this does, with what is in it then.
class ScratchFolder {
 public:
  ScratchFolder() : path_(std::filesystem::temp_directory_path() / "kchan_bench_XXXXXX") {
    if (mkdtemp(path_.data()) != nullptr) return;
    std::perror(path_.c_str());
    std::exit(1);
  }
  ~ScratchFolder() { std::filesystem::remove_all(path_); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace kchan::bench

#endif  // KCHAN_TESTS_BENCH_PATH_SCRATCH_FOLDER_H_
