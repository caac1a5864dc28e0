// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/module_door.h"

#include <linux/kchan.h>

#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "bridge/source/file_submitter.h"
#include "bridge/source/frame_writer.h"
#include "bridge/source/kernel_text.h"
#include "bridge/source/ring_submitter.h"

namespace kchan::source {
namespace {

absl::Status CheckRecord(const std::string& channel, uint32_t type, size_t bytes) {
  if (type > std::numeric_limits<uint16_t>::max()) {
    return absl::InvalidArgumentError(
        absl::StrCat("record to channel ", channel, ": type ", type, " is none of any schema"));
  }
  if (bytes > KCHAN_MAX_RECORD_BYTES) {
    return absl::InvalidArgumentError(absl::StrCat("record to channel ", channel, ": ", bytes,
                                                   " bytes, the longest record has ",
                                                   KCHAN_MAX_RECORD_BYTES));
  }
  return absl::OkStatus();
}

}  // namespace

ModuleDoor::ModuleDoor(hub::Hub& hub, ControlPool& pool, const std::string& device_path)
    : hub_(hub),
      pool_(pool),
      rings_([device_path](const std::string& channel) {
        return RingSubmitter::Attach(device_path, channel);
      }),
      chardevs_([device_path](const std::string& channel) {
        return FrameWriter::Attach(device_path, channel);
      }),
      files_([device_path](const std::string& channel) {
        return FileSubmitter::Attach(device_path, channel);
      }),
      values_(device_path, pool) {}

absl::StatusOr<std::shared_ptr<const hub::ChannelDescription>> ModuleDoor::Describe(
    const std::string& channel) const {
  const auto found = hub_.Find(channel);
  if (found == nullptr) {
    return absl::NotFoundError(absl::StrCat("there is no channel '", channel, "'"));
  }
  return found->snapshot().description;
}

hub::KernelAnswer ModuleDoor::Publish(const std::string& channel, uint32_t type,
                                      std::span<const std::byte> payload) {
  if (absl::Status status = CheckRecord(channel, type, payload.size()); !status.ok()) {
    return {.status = std::move(status), .kernel_errno = 0};
  }
  const auto type16 = static_cast<uint16_t>(type);
  std::optional<hub::KernelAnswer> answer;
  if (const auto description = Describe(channel); description.ok()) {
    const std::string& transport = (*description)->transport;
    const bool features_ring = (pool_.features() & KCHAN_FEATURE_RING_TO_KERNEL) != 0;
    if (features_ring && transport == TransportName(KCHAN_TRANSPORT_RING)) {
      answer = rings_.Submit(channel, type16, payload);
    } else if (transport == TransportName(KCHAN_TRANSPORT_CHARDEV)) {
      answer = chardevs_.Submit(channel, type16, payload);
    } else if (transport == TransportName(KCHAN_TRANSPORT_FILE)) {
      answer = files_.Submit(channel, type16, payload);
    }
  }
  if (answer) return *answer;
  return pool_.Run([&](KernelControl& control) { return control.Send(channel, type16, payload); });
}

hub::KernelAnswer ModuleDoor::Update(const std::string& channel,
                                     const hub::ChannelSettings& settings) {
  return pool_.Run([&](KernelControl& control) { return control.Set(channel, settings); });
}

absl::StatusOr<hub::ValueSnapshot> ModuleDoor::ReadValues(const std::string& channel) {
  return values_.Read(channel);
}

absl::StatusOr<hub::ValueChanged> ModuleDoor::ChangeValue(const std::string& channel,
                                                          const hub::ValueChange& change) {
  return values_.Change(channel, change);
}

absl::Status ModuleDoor::ReadBlocks(const std::string& channel, uint64_t offset,
                                    std::span<std::byte> to) {
  const auto description = Describe(channel);
  return description.ok() ? blocks_.Read(**description, offset, to) : description.status();
}

absl::Status ModuleDoor::WriteBlocks(const std::string& channel, uint64_t offset,
                                     std::span<const std::byte> from) {
  const auto description = Describe(channel);
  return description.ok() ? blocks_.Write(**description, offset, from) : description.status();
}

absl::Status ModuleDoor::FlushBlocks(const std::string& channel) {
  const auto description = Describe(channel);
  return description.ok() ? blocks_.Flush(**description) : description.status();
}

void ModuleDoor::LetGo() {
  rings_.LetGo();
  chardevs_.LetGo();
  files_.LetGo();
}

}  // namespace kchan::source
