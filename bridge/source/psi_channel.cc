// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/psi_channel.h"

#include <fcntl.h>
#include <linux/kchan.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/source/host_schema.h"
#include "bridge/source/psi_text.h"
#include "bridge/source/value_path.h"

namespace kchan::source {
namespace {

const char* KindName(PsiKind kind) { return kind == PsiKind::kFull ? "full" : "some"; }

// What the kernel takes: "some 150000 1000000".
std::string TriggerOf(const PsiTriggerOptions& options) {
  return absl::StrCat(KindName(options.kind), " ", absl::ToInt64Microseconds(options.stall), " ",
                      absl::ToInt64Microseconds(options.window));
}

hub::ChannelDescription Describe(const PsiTriggerOptions& options) {
  hub::ChannelDescription description;
  description.name = options.name;
  description.documentation = absl::StrCat(
      options.path, ", when '", KindName(options.kind), "' tasks have stalled for ",
      absl::FormatDuration(options.stall), " within ", absl::FormatDuration(options.window), ".");
  description.provider = "kernel";
  description.transport = "psi";
  description.volume = hub::Volume::kValue;
  description.path = options.path;
  description.direction = hub::Direction::kToUser;
  description.max_record_bytes = 8 * sizeof(uint64_t);
  return description;
}

hub::Schema PsiSchema() {
  hub::RecordType type;
  type.id = 1;
  type.name = "pressure";
  type.direction = hub::Direction::kToUser;
  for (const char* kind : {"some", "full"}) {
    for (const char* word : {"avg10", "avg60", "avg300", "total_us"}) {
      const bool is_total = word[0] == 't';
      hub::Field field =
          HostField(absl::StrCat(kind, "_", word), KCHAN_FIELD_U64, type.size_bytes,
                    sizeof(uint64_t), is_total ? "Time stalled since boot." : "Share of time.");
      field.unit = is_total ? "us" : "0.01 %";
      type.fields.push_back(std::move(field));
      type.size_bytes += sizeof(uint64_t);
    }
  }
  hub::Schema schema;
  schema.byte_order = NativeByteOrder();
  schema.types = {std::move(type)};
  return schema;
}

}  // namespace

PsiChannel::PsiChannel(EventLoop& loop, BlockingCalls& calls, const PsiTriggerOptions& options)
    : FileValueChannel(loop, calls, Describe(options), PsiSchema()), options_(options) {}

absl::StatusOr<std::vector<hub::Word>> PsiChannel::Parse(std::string text) const {
  auto words = ParsePsi(text);
  if (!words) {
    return absl::InternalError(absl::StrCat("file ", options_.path, ": not understood"));
  }
  return *std::move(words);
}

absl::StatusOr<std::unique_ptr<RecordSource>> PsiChannel::Attach(hub::ValueFeed& values) {
  auto file = OpenValueFile(options_.path, O_RDWR);
  if (!file.ok()) return file.status();
  const std::string trigger = TriggerOf(options_);
  // With its NUL: the kernel overwrites the last byte by one.
  if (write(file->get(), trigger.c_str(), trigger.size() + 1) < 0) {
    return absl::ErrnoToStatus(
        errno, absl::StrCat("file ", options_.path, ": the trigger '", trigger, "' was refused"));
  }
  return Watch(*std::move(file), absl::ZeroDuration(), values);
}

std::string PsiChannel::RemedyFor(const absl::Status& status) const {
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kUnimplemented:
      return "boot a kernel with CONFIG_PSI, with psi=1 on its command line";
    case absl::StatusCode::kPermissionDenied:
      return "run kchand with CAP_SYS_RESOURCE (this kernel wants it for every trigger), "
             "or take it out of psi_triggers";
    case absl::StatusCode::kInvalidArgument:
      return "give it a window_us that is a multiple of two seconds, or run kchand with "
             "CAP_SYS_RESOURCE";
    default:
      return "none is needed if it passes: kchand keeps trying, ever more seldom";
  }
}

absl::StatusOr<hub::ValueChanged> PsiChannel::ChangeValue(const hub::ValueChange& /*change*/) {
  return absl::PermissionDeniedError(
      absl::StrCat("channel ", name(), ": pressure is measured, not set"));
}

}  // namespace kchan::source
