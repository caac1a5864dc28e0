// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/kernel_link.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/source/chardev_source.h"
#include "bridge/source/epoch.h"
#include "bridge/source/file_source.h"
#include "bridge/source/log_source.h"
#include "bridge/source/relay_source.h"
#include "bridge/source/ring_source.h"
#include "bridge/source/value_source.h"

namespace kchan::source {

absl::StatusOr<std::unique_ptr<RecordSource>> ModuleLink::Attach(const ChannelMessage& channel,
                                                                 hub::ValueFeed& values) {
  const std::string& name = channel.description.name;
  switch (channel.transport) {
    case KCHAN_TRANSPORT_RING: {
      auto source = RingSource::Attach(loop_, rings_, name, channel.layout == KCHAN_LAYOUT_SHARED,
                                       RingPace());
      if (!source.ok()) return source.status();
      return std::unique_ptr<RecordSource>(*std::move(source));
    }
    case KCHAN_TRANSPORT_GENL:
      return records_.Enable(name, channel.id);
    case KCHAN_TRANSPORT_CHARDEV:
      return ChardevSource::Attach(loop_, options_.device_path, name);
    case KCHAN_TRANSPORT_RELAY:
      return AttachRelay(channel);
    case KCHAN_TRANSPORT_VALUE:
      return AttachValues(name, values);
    case KCHAN_TRANSPORT_FILE:
      return AttachFile(name);
    case KCHAN_TRANSPORT_LOG:
      return LogSource::Attach(loop_, family_id_, name, options_.kmsg_path);
    default:
      return absl::UnimplementedError(
          absl::StrCat("channel ", name, ": this kchand does not know its transport (number ",
                       channel.transport, "): install a newer one"));
  }
}

absl::StatusOr<std::unique_ptr<RecordSource>> ModuleLink::AttachRelay(
    const ChannelMessage& channel) {
  const std::string& name = channel.description.name;
  auto files = DebugfsRelayFiles::Enable(family_id_, name, channel.description.path);
  if (!files.ok()) return files.status();
  return RelaySource::Attach(loop_, *std::move(files), name, channel.overwrite);
}

absl::StatusOr<std::unique_ptr<RecordSource>> ModuleLink::AttachValues(const std::string& channel,
                                                                       hub::ValueFeed& values) {
  const auto schema = control_->GetSchema(channel);
  if (!schema.ok()) return schema.status();
  auto words = ValueWords::Of(*schema, channel);
  if (!words.ok()) return words.status();
  auto source =
      ValueSource::Attach(loop_, options_.device_path, channel, *std::move(words), values);
  if (absl::Status status = CheckStill(channel, *schema); !status.ok()) return status;
  return source;
}

absl::StatusOr<std::unique_ptr<RecordSource>> ModuleLink::AttachFile(const std::string& channel) {
  const auto schema = control_->GetSchema(channel);
  if (!schema.ok()) return schema.status();
  auto writer = AttachFileWriter(options_.device_path, channel, options_.file_writing);
  if (!writer.ok()) return writer.status();
  if (absl::Status status = CheckStill(channel, *schema); !status.ok()) return status;
  const FileOwner owner{.channel = channel,
                        .epoch = EpochOf(boot_id_, channel, (*writer)->generation()),
                        .schema_id = schema->id};
  return FileSource::Attach(loop_, *std::move(writer), files_, owner, options_.file_writing);
}

// It may have been, with other words or fields, before it was attached.
absl::Status ModuleLink::CheckStill(const std::string& channel, const hub::Schema& schema) {
  const auto now = control_->GetSchema(channel);
  if (!now.ok()) return now.status();
  if (now->id == schema.id) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("channel ", channel, ": it was registered anew while it was opened"));
}

}  // namespace kchan::source
