// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "commands.h"
#include "explain.h"
#include "json.h"
#include "kchan/blocks.h"
#include "output.h"
#include "parse.h"
#include "progress_line.h"

namespace kchan::cli {
namespace {

constexpr size_t kChunkBytes = 1 << 20;

struct BlockOptions {
  std::string channel;
  std::string offset;
  std::string length;
  std::string file;  // empty: standard input or output
  bool flush = false;
  bool pad = false;
  bool json = false;
};

absl::Status FileError(const BlockOptions& options) {
  return absl::UnknownError(absl::StrCat(
      options.file.empty() ? "standard input or output" : options.file, ": ", strerror(errno)));
}

// A file descriptor that closes itself, unless it is a standard one.
class File {
 public:
  File(const std::string& path, int flags, int standard)
      : fd_(path.empty() || path == "-" ? standard : open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~File() {
    if (fd_ > STDERR_FILENO) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int fd() const { return fd_; }

  bool Write(std::string_view data) const {
    while (!data.empty()) {
      const ssize_t written = write(fd_, data.data(), data.size());
      if (written < 0 && errno != EINTR) return false;
      if (written > 0) data.remove_prefix(written);
    }
    return true;
  }

  // As much as there is, up to `data`'s size, to which it is shortened.
  bool Read(std::string& data) const {
    size_t got = 0;
    while (got < data.size()) {
      const ssize_t length = read(fd_, data.data() + got, data.size() - got);
      if (length == 0) break;
      if (length < 0 && errno != EINTR) return false;
      if (length > 0) got += length;
    }
    data.resize(got);
    return true;
  }

 private:
  const int fd_;
};

ExitCode Info(const GlobalOptions& global, const BlockOptions& options) {
  const auto client = Connect(global, Right::kRead);
  if (!client.ok()) return Explain(client.status());
  const auto channel = (*client)->GetChannel(options.channel);
  if (!channel.ok()) return ExplainChannel(**client, channel.status(), options.channel);
  if (!channel->has_block()) {
    return Explain(absl::FailedPreconditionError(
        absl::StrCat("channel '", options.channel, "' is no region of blocks")));
  }
  if (options.json) {
    Print(MessageJson(channel->block()) + "\n");
    return kOk;
  }
  const v1::BlockGeometry& block = channel->block();
  Print(absl::StrCat("size      ", BytesText(block.capacity_bytes()), " (", block.capacity_bytes(),
                     " bytes)\nblocks    of ", block.block_bytes(), " bytes\nwritable  ",
                     block.read_only() ? "no" : "yes", "\non node   ",
                     channel->path().empty() ? "nowhere" : Safe(channel->path()), "\nstate     ",
                     StateText(channel->state()), "\n"));
  return kOk;
}

// How much is to be read: what was asked for, or all that is there.
absl::StatusOr<uint64_t> TotalBytes(Client& client, const BlockOptions& options,
                                    const BlockTransferOptions& transfer) {
  if (transfer.length_bytes > 0) return transfer.length_bytes;
  const auto channel = client.GetChannel(options.channel);
  if (!channel.ok()) return channel.status();
  return channel->block().capacity_bytes() -
         std::min(channel->block().capacity_bytes(), transfer.offset_bytes);
}

absl::Status Copy(Client& client, const BlockOptions& options,
                  const BlockTransferOptions& transfer) {
  const auto total = TotalBytes(client, options, transfer);
  if (!total.ok()) return total.status();
  const auto reader = BlockReader::Open(client, options.channel, transfer);
  auto data = reader->Next();  // before the file is made: it may be refused
  if (!data.ok()) return data.status();
  const File to(options.file, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
  if (to.fd() < 0) return FileError(options);
  ProgressLine progress("read", *total);
  for (; data.ok() && !data->empty(); data = reader->Next()) {
    if (!to.Write(*data)) return FileError(options);
    progress.Add(data->size());
  }
  return data.status();
}

ExitCode Read(const GlobalOptions& global, const BlockOptions& options) {
  const auto offset = ParseBytes("--offset", options.offset, 0);
  const auto length = ParseBytes("--length", options.length, 0);
  for (const absl::Status& status : {offset.status(), length.status()}) {
    if (status.ok()) continue;
    Explain(status);
    return kUsage;
  }
  if (options.file.empty() && isatty(STDOUT_FILENO) == 1) {
    Explain(absl::InvalidArgumentError(
        "these are bytes, not text: give --file, or pipe them, as into `xxd`"));
    return kUsage;
  }
  const auto client = Connect(global, Right::kRead);
  if (!client.ok()) return Explain(client.status());
  const absl::Status status =
      Copy(**client, options, {.offset_bytes = *offset, .length_bytes = *length});
  return status.ok() ? kOk : ExplainChannel(**client, status, options.channel);
}

// Fills the last block up with zeros, or refuses what does not fill it.
absl::Status FillBlock(const BlockOptions& options, uint32_t block_bytes, std::string& data) {
  const size_t over = block_bytes == 0 ? 0 : data.size() % block_bytes;
  if (over == 0) return absl::OkStatus();
  if (!options.pad) {
    return absl::InvalidArgumentError(absl::StrCat("the input ends in the middle of a block of ",
                                                   block_bytes, " bytes (", block_bytes - over,
                                                   " are missing): --pad fills it up with zeros"));
  }
  data.append(block_bytes - over, '\0');
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> Store(Client& client, const BlockOptions& options, uint64_t offset) {
  const auto channel = client.GetChannel(options.channel);
  if (!channel.ok()) return channel.status();
  const File from(options.file, O_RDONLY, STDIN_FILENO);
  if (from.fd() < 0) return FileError(options);
  const auto writer = BlockWriter::Open(client, options.channel);
  ProgressLine progress("written", 0);
  std::string data;
  do {
    data.resize(kChunkBytes);
    if (!from.Read(data)) return FileError(options);
    absl::Status status = FillBlock(options, channel->block().block_bytes(), data);
    if (status.ok()) status = writer->Write(offset, data);
    if (!status.ok()) return status;
    offset += data.size();
    progress.Add(data.size());
  } while (data.size() == kChunkBytes);
  return writer->Close(options.flush);
}

ExitCode Write(const GlobalOptions& global, const BlockOptions& options) {
  const auto offset = ParseBytes("--offset", options.offset, 0);
  if (!offset.ok()) {
    Explain(offset.status());
    return kUsage;
  }
  const auto client = Connect(global, Right::kControl);
  if (!client.ok()) return Explain(client.status());
  const auto written = Store(**client, options, *offset);
  if (!written.ok()) return ExplainChannel(**client, written.status(), options.channel);
  Print(absl::StrCat("wrote ", *written, " bytes to ", options.channel,
                     options.flush ? ", flushed" : "", "\n"));
  return kOk;
}

ExitCode Flush(const GlobalOptions& global, const BlockOptions& options) {
  const auto client = Connect(global, Right::kControl);
  if (!client.ok()) return Explain(client.status());
  const absl::Status status = FlushBlocks(**client, options.channel);
  if (!status.ok()) return ExplainChannel(**client, status, options.channel);
  Print(absl::StrCat("flushed ", options.channel, "\n"));
  return kOk;
}

}  // namespace

void AddBlock(CLI::App& app, const GlobalOptions& global, Command* chosen) {
  CLI::App* command = app.add_subcommand("block", "Read and write regions of blocks");
  command->require_subcommand(1);
  const auto options = std::make_shared<BlockOptions>();
  const auto add = [&](const char* name, const char* what,
                       ExitCode (*run)(const GlobalOptions&, const BlockOptions&)) {
    CLI::App* sub = command->add_subcommand(name, what);
    sub->add_option("channel", options->channel, "the channel's name")->required();
    sub->callback([=, &global] { *chosen = [=, &global] { return run(global, *options); }; });
    return sub;
  };
  CLI::App* info = add("info", "Show a region's size and blocks", Info);
  info->add_flag("--json", options->json, "one JSON object (kchan.v1.BlockGeometry)");
  CLI::App* read = add("read", "Copy blocks to standard output or a file", Read);
  CLI::App* write = add("write", "Copy standard input or a file to blocks", Write);
  for (CLI::App* sub : {read, write}) {
    sub->add_option("--offset", options->offset, "where to start, like 4096, 4K or 1M (default 0)");
    sub->add_option("--file", options->file, "instead of standard input or output");
  }
  read->add_option("--length", options->length, "how much (default: up to the end)");
  write->add_flag("--flush", options->flush, "wait until it is durable");
  write->add_flag("--pad", options->pad, "fill the last block up with zeros");
  add("flush", "Wait until everything written is durable", Flush);
}

}  // namespace kchan::cli
