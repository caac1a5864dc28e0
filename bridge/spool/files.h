// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SPOOL_FILES_H_
#define KCHAN_BRIDGE_SPOOL_FILES_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace kchan::spool {

struct FoundFile {
  std::string name;
  uint64_t bytes = 0;
  uint64_t written_ns = 0;  // Unix time
  bool is_folder = false;
};

// All that the spool does to a file system, so that a test can make any step
// fail, or be the last one of the process.
//
// Each call gives what it says, or a negative errno. None follows a link in
// the last part of a path.
//
// Thread safety: any thread; one descriptor, one thread.
class Files {
 public:
  virtual ~Files() = default;

  // A descriptor.
  virtual int Create(const std::string& path);  // a new one, to read and write
  virtual int Open(const std::string& path);    // to read
  virtual int OpenToRepair(const std::string& path);
  virtual void Close(int fd);

  // All of it, at `offset`; what is behind a failure is undefined.
  virtual int Write(int fd, std::span<const iovec> parts, uint64_t offset);
  // How many bytes; fewer than asked for only at the end of the file.
  virtual int64_t Read(int fd, std::span<std::byte> to, uint64_t offset);
  virtual int64_t Size(int fd);
  virtual int Truncate(int fd, uint64_t bytes);
  virtual int Sync(int fd);

  virtual int Rename(const std::string& from, const std::string& to);
  virtual int Remove(const std::string& path);
  // Also if it is there already.
  virtual int MakeFolder(const std::string& path);
  virtual int SyncFolder(const std::string& path);
  virtual int List(const std::string& path, std::vector<FoundFile>& found);
  // A descriptor that keeps others from locking the same file; EWOULDBLOCK:
  // somebody has.
  virtual int Lock(const std::string& path);
};

// A descriptor that closes itself.
class OpenFile {
 public:
  OpenFile() = default;
  OpenFile(Files& files, int fd) : files_(&files), fd_(fd) {}
  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&& other) noexcept;
  ~OpenFile() { Reset(); }

  int fd() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void Reset();

 private:
  Files* files_ = nullptr;
  int fd_ = -1;
};

// Unix time.
uint64_t UnixNs();

}  // namespace kchan::spool

#endif  // KCHAN_BRIDGE_SPOOL_FILES_H_
