// SPDX-License-Identifier: Apache-2.0
#include "reader.h"

#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "bridge/hub/element.h"
#include "bridge/hub/wire.h"
#include "control.h"

namespace kchan::cli::bench {
namespace {

constexpr size_t kBatchBytes = 256 << 10;
constexpr int kPatienceSeconds = 20;
constexpr size_t kTimeDigits = 20;

uint64_t BoottimeNs() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return uint64_t(now.tv_sec) * 1'000'000'000 + uint64_t(now.tv_nsec);
}

// A record's payload ends its element.
std::span<const std::byte> PayloadOf(const hub::Element& element) {
  // Sequence and time; then CPU, type and payload, each behind its tag.
  size_t at = 2 * 9;
  const auto varint = [&element, &at] {
    uint64_t value = 0;
    for (int shift = 0; at < element.body.size(); shift += 7) {
      const auto byte = std::to_integer<uint64_t>(element.body[at++]);
      value |= (byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) break;
    }
    return value;
  };
  for (int field = 0; field < 2; ++field) {
    ++at;
    varint();
  }
  ++at;
  const uint64_t length = varint();
  return element.body.subspan(at, length);
}

// When the module stamped it: in a sample, or in a line's first digits.
uint64_t StampOf(std::span<const std::byte> payload, bool is_text) {
  uint64_t stamp = 0;
  if (is_text) {
    const std::string digits(reinterpret_cast<const char*>(payload.data()),
                             std::min(payload.size(), kTimeDigits));
    return absl::SimpleAtoi(digits, &stamp) ? stamp : 0;
  }
  if (payload.size() >= sizeof(BenchSample)) {
    std::memcpy(&stamp, payload.data() + offsetof(BenchSample, boottime_ns), sizeof(stamp));
  }
  return stamp;
}

template <typename OnElement>
void ForEachElement(const hub::LogBatch& batch, OnElement on_element) {
  for (const hub::SegmentSlice& slice : batch.slices) {
    std::span<const std::byte> rest = slice.bytes;
    while (const auto element = hub::ParseElement(rest)) {
      on_element(*element);
      rest = rest.subspan(element->bytes);
    }
  }
}

}  // namespace

Reader::Reader(Node& node, std::shared_ptr<hub::Channel> channel)
    : node_(node), channel_(std::move(channel)) {}

Reader::~Reader() { channel_->log().Disarm(&sleeper_); }

absl::StatusOr<std::unique_ptr<Reader>> Reader::Open(Node& node,
                                                     std::shared_ptr<hub::Channel> channel) {
  std::unique_ptr<Reader> reader(new Reader(node, std::move(channel)));
  if (absl::Status status = reader->Resume(); !status.ok()) return status;
  // Live: its epoch has begun.
  reader->position_ = *reader->channel_->log().Seek(hub::StartNow{});
  return reader;
}

absl::Status Reader::Pause() {
  demand_.reset();
  return AwaitState(node_.hub(), *channel_, hub::ChannelState::kIdle);
}

absl::Status Reader::Resume() {
  demand_ = std::make_unique<hub::ChannelDemand>(node_.hub(), channel_);
  return AwaitState(node_.hub(), *channel_, hub::ChannelState::kLive);
}

absl::Status Reader::Await(Deadline deadline) {
  if (!channel_->log().Wait(position_, &sleeper_) || sleeper_.SleepUntil(deadline)) {
    return absl::OkStatus();
  }
  return absl::DeadlineExceededError("nothing more came");
}

absl::Status Reader::ReadUntil(uint64_t produced, bool measure_latency, Tally& tally) {
  const bool is_text = channel_->snapshot().description->transport == "log";
  const Deadline deadline = InSeconds(kPatienceSeconds);
  while (tally.covered() < produced) {
    const hub::LogBatch batch = channel_->log().Read(position_, kBatchBytes);
    if (batch.empty()) {
      if (Await(deadline).ok()) continue;
      return absl::DeadlineExceededError(
          absl::StrCat("channel ", channel_->name(), ": the kernel side produced ", produced,
                       " records, ", tally.received, " came and ", tally.lost,
                       " were told as lost: ", produced - tally.covered(), " are missing"));
    }
    const uint64_t now = measure_latency ? BoottimeNs() : 0;
    if (batch.loss) tally.lost += batch.loss->count;
    ForEachElement(batch, [&](const hub::Element& element) {
      if (!element.is_record) {
        tally.lost += element.numbers;
        return;
      }
      ++tally.received;
      if (!measure_latency) return;
      const uint64_t stamp = StampOf(PayloadOf(element), is_text);
      tally.latencies_ns.push_back(now > stamp ? now - stamp : 0);
    });
  }
  if (tally.covered() == produced) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("channel ", channel_->name(),
                                          ": the kernel side produced ", produced, " records, but ",
                                          tally.received, " came and ", tally.lost,
                                          " were told as lost: load kchan_bench.ko anew if an "
                                          "earlier measurement was broken off"));
}

absl::StatusOr<std::vector<std::byte>> Reader::ReadOne() {
  const Deadline deadline = InSeconds(60);
  while (true) {
    const hub::LogBatch batch = channel_->log().Read(position_, 1);
    if (batch.empty()) {
      if (absl::Status status = Await(deadline); !status.ok()) return status;
      continue;
    }
    std::vector<std::byte> payload;
    ForEachElement(batch, [&payload](const hub::Element& element) {
      if (!element.is_record) return;
      const std::span<const std::byte> bytes = PayloadOf(element);
      payload.assign(bytes.begin(), bytes.end());
    });
    if (!payload.empty()) return payload;
    return absl::DataLossError(absl::StrCat("channel ", channel_->name(), ": a record was lost"));
  }
}

}  // namespace kchan::cli::bench
