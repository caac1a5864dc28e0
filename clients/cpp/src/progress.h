// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CPP_SRC_PROGRESS_H_
#define KCHAN_CLIENTS_CPP_SRC_PROGRESS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "kchan/batch.h"
#include "kchan/v1/channel_service.pb.h"

namespace kchan {

// Progress is how far a subscription has come in each channel. It makes the
// request that opens the next stream, and checks that streams keep their
// promises; DATA_LOSS says which was broken.
//
// Thread safety: none.
class Progress {
 public:
  explicit Progress(v1::SubscribeRequest::Open open) : open_(std::move(open)) {}

  // The original request, or one that resumes it. Before the first hello it is
  // the original.
  v1::SubscribeRequest::Open NextOpen();

  // Whether open.stop.records, if any, have come: then there is nothing to
  // resume.
  bool complete() const;

  // Whether a stream has begun, so that the next one resumes.
  bool begun() const { return begun_; }

  absl::Status OnHello(const v1::SubscribeResponse::Hello& hello);
  // May take from the batch what was delivered before; it then can be empty.
  absl::Status OnBatch(BatchView* batch);
  absl::Status OnHeartbeat(const v1::SubscribeResponse::Heartbeat& heartbeat);
  absl::Status OnHistoryEnd(const v1::SubscribeResponse::HistoryEnd& end);

  // Whether the stream that is open now gave out `cursor`.
  bool GaveOut(const v1::Cursor& cursor) const;

  std::vector<v1::Cursor> cursors() const;

 private:
  struct Place {
    uint64_t epoch = 0;
    uint64_t sequence = 0;
    // The last batch was a loss of unknown count: where the next one starts is
    // not known.
    bool open_ended = false;
    // The stream gave nothing of this channel yet and resumes it at:
    bool resuming = false;
    uint64_t stream_epoch = 0;
    uint64_t stream_sequence = 0;
    bool delivered = false;
  };

  absl::Status Reach(const v1::Cursor& cursor, std::string_view by);
  absl::Status Join(BatchView* batch, const Place& place);
  bool SelectedByName(std::string_view channel) const;
  const v1::Start* StartOf(const std::string& channel) const;

  const v1::SubscribeRequest::Open open_;
  std::map<std::string, Place, std::less<>> places_;
  bool begun_ = false;
  uint64_t records_ = 0;
};

}  // namespace kchan

#endif  // KCHAN_CLIENTS_CPP_SRC_PROGRESS_H_
