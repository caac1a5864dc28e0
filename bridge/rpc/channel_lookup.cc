// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/channel_lookup.h"

#include "absl/strings/str_cat.h"
#include "bridge/rpc/status.h"

namespace kchan::rpc {
namespace {

enum class Kind : uint8_t { kRecords, kValues, kBlocks };

Kind KindOf(const hub::ChannelDescription& description) {
  if (description.volume == hub::Volume::kValue) return Kind::kValues;
  return description.has_records() ? Kind::kRecords : Kind::kBlocks;
}

const char* Has(Kind kind) {
  switch (kind) {
    case Kind::kValues:
      return "values";
    case Kind::kBlocks:
      return "blocks";
    case Kind::kRecords:
      break;
  }
  return "records";
}

const char* Methods(Kind kind) {
  switch (kind) {
    case Kind::kValues:
      return "GetValues, WatchValues, SetValue, AddValue or CompareAndSwapValue";
    case Kind::kBlocks:
      return "ReadBlocks, WriteBlocks or FlushBlocks";
    case Kind::kRecords:
      break;
  }
  return "Subscribe or Publish";
}

absl::Status Check(const hub::Channel& channel, Kind wanted) {
  const Kind kind = KindOf(*channel.snapshot().description);
  if (kind == wanted) return absl::OkStatus();
  return WithReason(
      absl::FailedPreconditionError(absl::StrCat("channel '", channel.name(), "' has ", Has(kind),
                                                 ", not ", Has(wanted), ": use ", Methods(kind))),
      "WRONG_VOLUME");
}

absl::StatusOr<std::shared_ptr<hub::Channel>> Find(const hub::Hub& hub, const std::string& name,
                                                   Kind wanted) {
  auto channel = FindChannel(hub, name);
  if (!channel.ok()) return channel;
  if (absl::Status status = Check(**channel, wanted); !status.ok()) return status;
  return channel;
}

}  // namespace

absl::StatusOr<std::shared_ptr<hub::Channel>> FindChannel(const hub::Hub& hub,
                                                          const std::string& name) {
  auto channel = hub.Find(name);
  if (channel != nullptr) return channel;
  return WithReason(absl::NotFoundError(absl::StrCat("there is no channel '", name, "'")),
                    "NO_SUCH_CHANNEL");
}

absl::StatusOr<std::shared_ptr<hub::Channel>> FindValues(const hub::Hub& hub,
                                                         const std::string& name) {
  return Find(hub, name, Kind::kValues);
}

absl::StatusOr<std::shared_ptr<hub::Channel>> FindBlocks(const hub::Hub& hub,
                                                         const std::string& name) {
  return Find(hub, name, Kind::kBlocks);
}

absl::Status CheckHasRecords(const hub::Channel& channel) { return Check(channel, Kind::kRecords); }

absl::Status CheckGivesRecords(const hub::Channel& channel) {
  if (absl::Status status = CheckHasRecords(channel); !status.ok()) return status;
  if (channel.snapshot().description->direction != hub::Direction::kToKernel) {
    return absl::OkStatus();
  }
  return WithReason(
      absl::FailedPreconditionError(absl::StrCat(
          "channel '", channel.name(), "' goes from user space to the kernel only: use Publish")),
      "WRONG_DIRECTION");
}

absl::StatusOr<hub::KernelDoor*> FindDoor(const hub::Hub& hub) {
  if (hub::KernelDoor* door = hub.door()) return door;
  return absl::FailedPreconditionError("this daemon has no way to the kernel");
}

}  // namespace kchan::rpc
