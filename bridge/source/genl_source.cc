// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/genl_source.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace kchan::source {
namespace {

constexpr int kDatagramsPerTurn = 64;
constexpr size_t kMaxEarlyBytes = 1 << 20;  // of one channel
constexpr char kSocketFull[] = "netlink socket full";

}  // namespace

GenlRecords::GenlRecords(EventLoop& loop, netlink::GenlFamily family, int receive_bytes)
    : loop_(loop),
      family_(std::move(family)),
      receive_bytes_(receive_bytes),
      timer_(loop, [this] { Turn(); }) {}

GenlRecords::~GenlRecords() = default;

absl::Status GenlRecords::Open() {
  if (socket_ != nullptr) return absl::OkStatus();
  const absl::StatusOr<uint32_t> group = family_.FindGroup(KCHAN_GENL_GROUP_RECORDS);
  if (!group.ok()) return group.status();
  auto control = KernelControl::Open(family_.id);
  if (!control.ok()) return control.status();
  auto socket = netlink::GenlMulticast::Open(receive_bytes_);
  if (!socket.ok()) return socket.status();
  if (absl::Status status = (*socket)->Join(*group); !status.ok()) return status;
  auto watch = FdWatch::Create(loop_, (*socket)->fd(), EPOLLIN, [this](uint32_t) { Schedule(); });
  if (!watch.ok()) return watch.status();

  control_ = *std::move(control);
  socket_ = *std::move(socket);
  watch_ = *std::move(watch);
  overrun_ = false;
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<GenlRecords::Early>> GenlRecords::Expect(const std::string& channel,
                                                                        uint32_t id) {
  if (absl::Status status = Open(); !status.ok()) {
    return absl::Status(status.code(), absl::StrCat("channel ", channel, ": ", status.message()));
  }
  auto early = std::make_shared<Early>(Early{.id = id});
  early_.push_back(early);
  return early;
}

absl::StatusOr<std::unique_ptr<RecordSource>> GenlRecords::Adopt(const std::string& channel,
                                                                 const EnabledMessage& enabled,
                                                                 std::shared_ptr<Early> early) {
  if (early->failed) {
    return absl::UnavailableError(absl::StrCat("channel ", channel, ": its socket has failed"));
  }
  // It is on: this asks the provider for nothing.
  const absl::StatusOr<EnabledMessage> now = control_->Enable(channel);
  if (!now.ok()) return now.status();
  const bool overrun = early->overrun;
  auto source = std::make_unique<GenlSource>(*this, channel, enabled, std::move(early));
  if (now->generation != enabled.generation) {
    return absl::UnavailableError(
        absl::StrCat("channel ", channel, ": it was registered anew while it was opened"));
  }
  if (overrun) source->used_ = now->sequence;
  sources_.push_back(source.get());
  return source;
}

void GenlRecords::Remove(GenlSource* source) {
  std::erase(sources_, source);
  // Nobody is to be blamed if the channel has gone first.
  if (control_ != nullptr) (void)control_->Disable(source->channel_);
  CloseIfUnused();
}

void GenlRecords::CloseIfUnused() {
  std::erase_if(early_, [](const std::weak_ptr<Early>& early) { return early.expired(); });
  if (!sources_.empty() || !early_.empty()) return;
  timer_.Cancel();
  watch_.reset();
  socket_.reset();
  control_.reset();
}

void GenlRecords::Turn() {
  const absl::StatusOr<netlink::MulticastRead> read =
      socket_->Read(kDatagramsPerTurn, [this](const netlink::GenlMessage& message) {
        Take(message);
        return absl::OkStatus();
      });
  if (!read.ok()) return FailAll(read.status());
  overrun_ = overrun_ || read->overrun;
  if (read->overrun) {
    for (const auto& each : early_) {
      if (const std::shared_ptr<Early> early = each.lock()) early->overrun = true;
    }
  }
  if (!read->dry || overrun_) Schedule();
  if (read->dry && overrun_) {
    AskSequences();
    overrun_ = false;
  } else if (read->dry) {
    Settle();
  }
  // Somebody may have given up what it had begun.
  CloseIfUnused();
}

void GenlRecords::Take(const netlink::GenlMessage& message) {
  if (message.family != family_.id || message.command != KCHAN_CMD_RECORDS_NTF) return;
  const absl::StatusOr<RecordsMessage> records = ParseRecords(message.attributes);
  if (!records.ok()) return;  // its numbers will be missing
  for (GenlSource* source : sources_) {
    if (source->id_ != records->channel_id || source->generation_ != records->generation) continue;
    if (source->log_ != nullptr) source->Take(*records, overrun_);
    return;
  }
  Keep(message, records->channel_id);
}

void GenlRecords::Keep(const netlink::GenlMessage& message, uint32_t id) {
  for (const auto& each : early_) {
    const std::shared_ptr<Early> early = each.lock();
    if (early == nullptr || early->id != id) continue;
    const size_t bytes = message.attributes.size();
    // What is too much will be missing, as if the socket had been full.
    if (early->bytes + bytes > kMaxEarlyBytes) {
      early->overrun = true;
      return;
    }
    early->bytes += bytes;
    early->messages.emplace_back(message.attributes.begin(), message.attributes.end());
    return;
  }
}

void GenlRecords::AskSequences() {
  for (GenlSource* source : sources_) {
    if (source->log_ == nullptr) continue;
    const absl::StatusOr<EnabledMessage> now = control_->Enable(source->channel_);
    if (now.ok() && now->generation == source->generation_) {
      // The kernel has sent everything up to here before it answered: what
      // the next turn does not find in the queue is lost.
      source->used_ = now->sequence;
    } else {
      source->log_->AppendLoss({.first_sequence = 0,
                                .count = 0,
                                .stage = hub::LossStage::kKernelTransport,
                                .cpu = std::nullopt,
                                .cause = kSocketFull});
    }
  }
}

void GenlRecords::Settle() {
  const std::vector<GenlSource*> sources = sources_;
  for (GenlSource* source : sources) {
    if (source->log_ == nullptr) continue;
    if (source->used_) {
      source->Lose(*source->used_, hub::LossStage::kKernelTransport, kSocketFull);
      source->used_.reset();
    }
    source->log_->Publish();
    if (!source->gone_) continue;
    const RecordSource::OnEnd on_end = std::move(source->on_end_);
    on_end(absl::OkStatus());
  }
}

void GenlRecords::FailAll(const absl::Status& status) {
  for (const auto& each : early_) {
    if (const std::shared_ptr<Early> early = each.lock()) early->failed = true;
  }
  early_.clear();
  const std::vector<GenlSource*> sources = sources_;
  for (GenlSource* source : sources) {
    if (source->log_ == nullptr) continue;
    source->log_->Publish();
    const RecordSource::OnEnd on_end = std::move(source->on_end_);
    on_end(status);
  }
  CloseIfUnused();
}

GenlSource::GenlSource(GenlRecords& records, std::string channel, const EnabledMessage& enabled,
                       std::shared_ptr<GenlRecords::Early> early)
    : records_(records),
      channel_(std::move(channel)),
      id_(early->id),
      generation_(enabled.generation),
      sequence_(enabled.sequence),
      early_(std::move(early)) {}

GenlSource::~GenlSource() {
  early_.reset();
  records_.Remove(this);
}

void GenlSource::Start(hub::Log& log, OnEnd on_end) {
  log_ = &log;
  on_end_ = std::move(on_end);
  const auto early = std::exchange(early_, nullptr);
  for (const std::vector<std::byte>& attributes : early->messages) {
    const auto records = ParseRecords(attributes);
    if (records.ok() && records->generation == generation_) Take(*records, early->overrun);
  }
  records_.Schedule();
}

void GenlSource::ChannelGone() {
  // Its last records are in the socket already: the kernel sent them first.
  gone_ = true;
  records_.Schedule();
}

void GenlSource::Take(const RecordsMessage& message, bool after_overrun) {
  // What cannot be read is missing, and found so by the next number.
  (void)VisitRecords(message, [this](const RecordMessage& record) {
    TakeRecord(record);
    return absl::OkStatus();
  });
  // Losses behind its last record. A message lost before this one may be among
  // them: then which is which cannot be told.
  if (after_overrun) {
    Lose(message.sequence, hub::LossStage::kKernelTransport, kSocketFull);
  } else {
    Lose(message.sequence, hub::LossStage::kKernelRing, "queue full");
  }
  log_->Publish();
}

void GenlSource::TakeRecord(const RecordMessage& record) {
  if (record.sequence <= sequence_) return;  // from before we enabled it
  const uint64_t missing = record.sequence - sequence_ - 1;
  const uint64_t in_queue = std::min(record.lost_before, missing);
  Lose(record.sequence - 1 - in_queue, hub::LossStage::kKernelTransport, kSocketFull);
  Lose(record.sequence - 1, hub::LossStage::kKernelRing, "queue full");
  log_->Append(record.header, record.payload);
  sequence_ = record.sequence;
}

void GenlSource::Lose(uint64_t last, hub::LossStage stage, const char* cause) {
  if (last <= sequence_) return;
  log_->AppendLoss({.first_sequence = 0,
                    .count = last - sequence_,
                    .stage = stage,
                    .cpu = std::nullopt,
                    .cause = cause});
  sequence_ = last;
}

}  // namespace kchan::source
