// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/text_file_channel.h"

#include <fcntl.h>
#include <linux/kchan.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "bridge/source/host_schema.h"
#include "bridge/source/value_path.h"

namespace kchan::source {
namespace {

constexpr char kWord[] = "text";
// One write() of sysfs; procfs takes no more either.
constexpr size_t kMaxWriteBytes = 4095;

hub::ChannelDescription Describe(const ValueFileOptions& options) {
  hub::ChannelDescription description;
  description.name = options.name;
  description.documentation = options.documentation.empty()
                                  ? absl::StrCat("The file ", options.path, ".")
                                  : options.documentation;
  description.provider = "kernel";
  description.transport = ValueTransport(options.path).value_or("");
  description.volume = hub::Volume::kValue;
  description.path = options.path;
  description.direction = options.writable ? hub::Direction::kBoth : hub::Direction::kToUser;
  description.max_record_bytes = kMaxValueBytes;
  return description;
}

hub::Schema SchemaOf(const ValueFileOptions& options) {
  hub::Field text = HostField(kWord, KCHAN_FIELD_STRING_REST, 0, 0,
                              "What the file holds, without the newline at its end.");
  text.writable = options.writable;
  hub::RecordType type;
  type.id = 1;
  type.name = "value";
  type.direction = options.writable ? hub::Direction::kBoth : hub::Direction::kToUser;
  type.fields = {std::move(text)};
  hub::Schema schema;
  schema.byte_order = NativeByteOrder();
  schema.types = {std::move(type)};
  return schema;
}

std::string TextOf(const hub::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<int64_t>(&value)) return absl::StrCat(*number);
  return absl::StrCat(std::get<uint64_t>(value));
}

}  // namespace

TextFileChannel::TextFileChannel(EventLoop& loop, BlockingCalls& calls,
                                 const ValueFileOptions& options)
    : FileValueChannel(loop, calls, Describe(options), SchemaOf(options)), options_(options) {}

absl::StatusOr<std::vector<hub::Word>> TextFileChannel::Parse(std::string text) const {
  return std::vector<hub::Word>{{.name = kWord, .value = std::move(text)}};
}

absl::StatusOr<std::unique_ptr<RecordSource>> TextFileChannel::Attach(hub::ValueFeed& values) {
  auto file = OpenValueFile(options_.path, O_RDONLY);
  if (!file.ok()) return file.status();
  return Watch(*std::move(file), options_.sample_interval, values);
}

std::string TextFileChannel::RemedyFor(const absl::Status& status) const {
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return "correct its path in value_files, or load the driver that makes the file";
    case absl::StatusCode::kPermissionDenied:
      return "let kchand read the file, or take it out of value_files";
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return "correct it in value_files, and start kchand anew";
    default:
      return "none is needed if it passes: kchand keeps trying, ever more seldom";
  }
}

absl::StatusOr<hub::ValueChanged> TextFileChannel::ChangeValue(const hub::ValueChange& change) {
  const auto refuse = [&](const std::string& why) {
    return absl::StrCat("channel ", name(), ": ", why);
  };
  if (change.word != kWord) {
    return absl::NotFoundError(refuse("it has one word, 'text', not '" + change.word + "'"));
  }
  if (!options_.writable) {
    return absl::PermissionDeniedError(
        refuse("not writable: its entry in kchand's value_files needs writable: true"));
  }
  if (change.operation != hub::ValueChange::Operation::kSet) {
    return absl::UnimplementedError(
        refuse("the kernel has no atomic operation on a file: it can only be set"));
  }
  // As it is: some files keep a newline as a part of the value.
  const std::string text = TextOf(change.operand);
  if (text.empty() || text.size() > kMaxWriteBytes) {
    return absl::InvalidArgumentError(refuse(
        absl::StrCat(text.size(), " bytes: it takes 1 to ", kMaxWriteBytes, " in one write")));
  }
  const auto file = OpenValueFile(options_.path, O_WRONLY);
  if (!file.ok()) return file.status();
  const ssize_t written = write(file->get(), text.data(), text.size());
  if (written < 0) {
    return absl::ErrnoToStatus(errno,
                               refuse("the kernel refused what was written to " + options_.path));
  }
  if (static_cast<size_t>(written) < text.size()) {
    return absl::DataLossError(
        refuse(absl::StrCat("the kernel took ", written, " of ", text.size(), " bytes")));
  }
  LookSoon();
  return hub::ValueChanged{};
}

}  // namespace kchan::source
