// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/kernel_link.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/source/attached_file.h"
#include "bridge/source/chardev_source.h"
#include "bridge/source/epoch.h"
#include "bridge/source/file_source.h"
#include "bridge/source/log_source.h"
#include "bridge/source/relay_source.h"
#include "bridge/source/ring_source.h"
#include "bridge/source/value_source.h"

namespace kchan::source {
namespace {

using Attached = absl::StatusOr<std::unique_ptr<RecordSource>>;

}  // namespace

KernelLink::StartAttach ModuleLink::Attach(const ChannelMessage& channel, hub::ValueFeed& values) {
  const std::string& name = channel.description.name;
  switch (channel.transport) {
    case KCHAN_TRANSPORT_RING:
      return AttachRings(channel);
    case KCHAN_TRANSPORT_GENL:
      return AttachGenl(channel);
    case KCHAN_TRANSPORT_CHARDEV:
      return AttachChardev(name);
    case KCHAN_TRANSPORT_RELAY:
      return AttachRelay(channel);
    case KCHAN_TRANSPORT_VALUE:
      return AttachValues(name, values);
    case KCHAN_TRANSPORT_FILE:
      return AttachFile(name);
    case KCHAN_TRANSPORT_LOG:
      return AttachLog(name);
    default:
      return [name, transport = channel.transport]() -> absl::StatusOr<FinishAttach> {
        return absl::UnimplementedError(
            absl::StrCat("channel ", name, ": this kchand does not know its transport (number ",
                         transport, "): install a newer one"));
      };
  }
}

// The first ring turns the channel on; the others cost nothing then.
KernelLink::StartAttach ModuleLink::AttachRings(const ChannelMessage& channel) {
  const std::string& name = channel.description.name;
  const bool shared = channel.layout == KCHAN_LAYOUT_SHARED;
  return [this, name, shared, path = options_.device_path]() -> absl::StatusOr<FinishAttach> {
    auto first = DeviceRings(path).OpenFirst(name, shared);
    if (!first.ok()) return first.status();
    return [this, name, shared, first = *std::move(first)]() mutable -> Attached {
      rings_.Hand(std::move(first));
      auto source = RingSource::Attach(loop_, rings_, name, shared, RingPace());
      rings_.TakeBack();
      if (!source.ok()) return source.status();
      return std::unique_ptr<RecordSource>(*std::move(source));
    };
  };
}

KernelLink::StartAttach ModuleLink::AttachGenl(const ChannelMessage& channel) {
  // First join, then enable: no record in between.
  auto early = records_.Expect(channel.description.name, channel.id);
  return [this, name = channel.description.name, family = family_id_,
          early = std::move(early)]() mutable -> absl::StatusOr<FinishAttach> {
    if (!early.ok()) return early.status();
    auto control = KernelControl::Open(family);
    if (!control.ok()) return control.status();
    const absl::StatusOr<EnabledMessage> enabled = (*control)->Enable(name);
    if (!enabled.ok()) return enabled.status();
    return [this, name, enabled = *enabled, early = *std::move(early),
            control = *std::move(control)]() mutable -> Attached {
      return records_.Adopt(name, enabled, std::move(early));
    };
  };
}

KernelLink::StartAttach ModuleLink::AttachChardev(const std::string& channel) {
  return [this, channel, path = options_.device_path]() -> absl::StatusOr<FinishAttach> {
    auto file = AttachedFile::Open(path, {.channel = channel, .non_blocking = true},
                                   absl::StrCat("channel ", channel));
    if (!file.ok()) return file.status();
    return [this, channel, file = *std::move(file)]() mutable -> Attached {
      return ChardevSource::Of(loop_, std::move(file), channel);
    };
  };
}

KernelLink::StartAttach ModuleLink::AttachRelay(const ChannelMessage& channel) {
  return [this, name = channel.description.name, path = channel.description.path,
          overwrite = channel.overwrite, family = family_id_]() -> absl::StatusOr<FinishAttach> {
    auto files = DebugfsRelayFiles::Enable(family, name, path);
    if (!files.ok()) return files.status();
    return [this, name, overwrite, files = *std::move(files)]() mutable -> Attached {
      return RelaySource::Attach(loop_, std::move(files), name, overwrite);
    };
  };
}

// The schema comes after the attachment, here as below: what is registered then
// is what we are attached to, or the channel's source finds another generation.
KernelLink::StartAttach ModuleLink::AttachValues(const std::string& channel,
                                                 hub::ValueFeed& values) {
  return [this, channel, &values, path = options_.device_path]() -> absl::StatusOr<FinishAttach> {
    auto file = AttachedFile::Open(path, {.channel = channel}, absl::StrCat("channel ", channel));
    if (!file.ok()) return file.status();
    return [this, channel, &values, file = *std::move(file)]() mutable -> Attached {
      const auto schema = control_->GetSchema(channel);
      if (!schema.ok()) return schema.status();
      auto words = ValueWords::Of(*schema, channel);
      if (!words.ok()) return words.status();
      return ValueSource::Of(loop_, std::move(file), channel, *std::move(words), values);
    };
  };
}

KernelLink::StartAttach ModuleLink::AttachFile(const std::string& channel) {
  return [this, channel, path = options_.device_path,
          writing = options_.file_writing]() -> absl::StatusOr<FinishAttach> {
    auto writer = AttachFileWriter(path, channel, writing);
    if (!writer.ok()) return writer.status();
    return [this, channel, writer = *std::move(writer)]() mutable -> Attached {
      const auto schema = control_->GetSchema(channel);
      if (!schema.ok()) return schema.status();
      const FileOwner owner{.channel = channel,
                            .epoch = EpochOf(boot_id_, channel, writer->generation()),
                            .schema_id = schema->id};
      return FileSource::Attach(loop_, std::move(writer), files_, owner, options_.file_writing);
    };
  };
}

KernelLink::StartAttach ModuleLink::AttachLog(const std::string& channel) {
  return [this, channel, family = family_id_,
          path = options_.kmsg_path]() -> absl::StatusOr<FinishAttach> {
    auto attachment = LogSource::Enabled(family, channel, path);
    if (!attachment.ok()) return attachment.status();
    return [this, channel, attachment = *std::move(attachment)]() mutable -> Attached {
      return LogSource::Of(loop_, std::move(attachment), channel);
    };
  };
}

}  // namespace kchan::source
