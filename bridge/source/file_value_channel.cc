// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/file_value_channel.h"

#include <fcntl.h>

#include <utility>

#include "bridge/source/value_path.h"

namespace kchan::source {

absl::StatusOr<std::vector<hub::Word>> FileValueChannel::Read(int fd) const {
  absl::StatusOr<std::string> text = ReadValueFile(fd, description().path);
  if (!text.ok()) return text.status();
  return Parse(*std::move(text));
}

absl::StatusOr<hub::ValueSnapshot> FileValueChannel::ReadValues() {
  const auto file = OpenValueFile(description().path, O_RDONLY);
  if (!file.ok()) return file.status();
  auto words = Read(file->get());
  if (!words.ok()) return words.status();
  return *observed_.Observe(*std::move(words));
}

absl::StatusOr<std::unique_ptr<RecordSource>> FileValueChannel::Watch(
    UniqueFd file, absl::Duration sample_interval, hub::ValueFeed& values) {
  auto source = WatchedFile::Create(loop_, calls_, description().path, std::move(file),
                                    [this](int fd) { return Read(fd); }, sample_interval,
                                    {.observed = observed_, .feed = values, .self = watched_});
  if (!source.ok()) return source.status();
  return std::unique_ptr<RecordSource>(*std::move(source));
}

void FileValueChannel::LookSoon() {
  loop_.Post([this] {
    if (watched_ != nullptr) watched_->LookSoon();
  });
}

}  // namespace kchan::source
