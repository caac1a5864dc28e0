// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/value_source.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace kchan::source {
namespace {

// A word may change a million times a second; nobody sees more than this.
constexpr absl::Duration kPace = absl::Milliseconds(1);

}  // namespace

std::unique_ptr<RecordSource> ValueSource::Of(EventLoop& loop, AttachedFile file,
                                              const std::string& channel, ValueWords words,
                                              hub::ValueFeed& feed) {
  const std::string what = absl::StrCat("channel ", channel);
  const uint64_t generation = file.attach().generation;
  UniqueFd fd = file.TakeFd();
  Read read = [raw = fd.get(), what]() -> absl::StatusOr<kchan_value_read> {
    kchan_value_read values = {};
    if (ioctl(raw, KCHAN_IOC_VALUE_READ, &values) == 0) return values;
    return absl::ErrnoToStatus(errno, absl::StrCat(what, ": reading its values"));
  };
  return std::make_unique<ValueSource>(loop, std::move(fd), std::move(read), generation,
                                       std::move(words), feed);
}

ValueSource::ValueSource(EventLoop& loop, UniqueFd fd, Read read, uint64_t generation,
                         ValueWords words, hub::ValueFeed& feed)
    : loop_(loop),
      fd_(std::move(fd)),
      read_(std::move(read)),
      generation_(generation),
      words_(std::move(words)),
      feed_(feed),
      last_turn_(absl::InfinitePast()),
      timer_(loop, [this] { Turn(); }) {}

ValueSource::~ValueSource() { feed_.Clear(); }

void ValueSource::Start(hub::Log& /*log*/, OnEnd on_end) {
  on_end_ = std::move(on_end);
  auto watch = FdWatch::Create(loop_, fd_.get(), EPOLLIN | EPOLLPRI, [this](uint32_t) {
    if (timer_.armed()) return;
    timer_.Start(std::max(absl::ZeroDuration(), last_turn_ + kPace - MonotonicNow()));
  });
  if (!watch.ok()) return End(watch.status());
  watch_ = *std::move(watch);
  timer_.Start(absl::ZeroDuration());
}

void ValueSource::Turn() {
  last_turn_ = MonotonicNow();
  const absl::StatusOr<kchan_value_read> values = read_();
  if (!values.ok()) return End(values.status());
  feed_.Set(std::make_shared<const hub::ValueSnapshot>(words_.Snapshot(*values, generation_)));
  if (values->state == KCHAN_STATE_DEAD) End(absl::OkStatus());
}

void ValueSource::End(absl::Status status) {
  timer_.Cancel();
  watch_.reset();
  // May destroy us.
  const OnEnd on_end = std::move(on_end_);
  on_end(std::move(status));
}

}  // namespace kchan::source
