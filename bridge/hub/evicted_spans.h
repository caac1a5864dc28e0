// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_EVICTED_SPANS_H_
#define KCHAN_BRIDGE_HUB_EVICTED_SPANS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>

namespace kchan::hub {

// How old was what a log has evicted: consecutive spans of numbers, each with
// the time of its youngest record. So a reader who asks for a time before
// everything kept is told how much is missing, and not more than that. Bounded:
// the oldest spans are joined.
//
// Thread safety: none; its log's mutex guards it.
class EvictedSpans {
 public:
  // From first_sequence of a log's run up to where the next span begins.
  struct Span {
    uint64_t run = 0;
    uint64_t first_sequence = 0;
    uint64_t newest_ns = 0;
  };
  static constexpr size_t kMaxSpans = 256;

  void Add(const Span& span) {
    spans_.push_back(span);
    if (spans_.size() <= kMaxSpans) return;
    spans_[1] = {.run = spans_[0].run,
                 .first_sequence = spans_[0].first_sequence,
                 .newest_ns = std::max(spans_[0].newest_ns, spans_[1].newest_ns)};
    spans_.pop_front();
  }

  // One record that was never kept, right behind the last span.
  void Extend(const Span& record) {
    if (spans_.empty() || spans_.back().run != record.run) return Add(record);
    spans_.back().newest_ns = std::max(spans_.back().newest_ns, record.newest_ns);
  }

  // The log does not know the runs before `run` any more.
  void ForgetBefore(uint64_t run) {
    while (!spans_.empty() && spans_.front().run < run) {
      forgotten_newest_ns_ = std::max(forgotten_newest_ns_, spans_.front().newest_ns);
      spans_.pop_front();
    }
  }

  // The first one that had a record as young as that; null if there is none.
  const Span* Since(uint64_t boottime_ns) const {
    const auto found = std::find_if(spans_.begin(), spans_.end(), [&](const Span& span) {
      return span.newest_ns >= boottime_ns;
    });
    return found == spans_.end() ? nullptr : &*found;
  }
  // The youngest record's time in what was forgotten; 0 if nothing was.
  uint64_t forgotten_newest_ns() const { return forgotten_newest_ns_; }

 private:
  std::deque<Span> spans_;
  uint64_t forgotten_newest_ns_ = 0;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_EVICTED_SPANS_H_
