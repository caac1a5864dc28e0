// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_PROGRESS_LINE_H_
#define KCHAN_CLIENTS_CLI_PROGRESS_LINE_H_

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string_view>

#include "output.h"

namespace kchan::cli {

// One line on standard error that says how far a transfer is, where that is a
// terminal; gone when the transfer is over.
class ProgressLine {
 public:
  // `total` 0: not known.
  ProgressLine(std::string_view verb, uint64_t total)
      : verb_(verb), total_(total), is_shown_(isatty(STDERR_FILENO) == 1) {}
  ~ProgressLine() {
    if (is_shown_) std::fputs("\r\x1b[K", stderr);
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void Add(uint64_t bytes) {
    bytes_ += bytes;
    if (!is_shown_) return;
    std::fprintf(stderr, "\r\x1b[K%s %.*s%s%s", BytesText(bytes_).c_str(),
                 static_cast<int>(verb_.size()), verb_.data(), total_ == 0 ? "" : " of ",
                 total_ == 0 ? "" : BytesText(total_).c_str());
  }

 private:
  const std::string_view verb_;
  const uint64_t total_;
  const bool is_shown_;
  uint64_t bytes_ = 0;
};

}  // namespace kchan::cli

#endif  // KCHAN_CLIENTS_CLI_PROGRESS_LINE_H_
