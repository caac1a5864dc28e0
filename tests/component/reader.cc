// SPDX-License-Identifier: Apache-2.0
#include "tests/component/reader.h"

#include <chrono>

#include "gtest/gtest.h"

namespace kchan::testing {

Reader::Reader(v1::ChannelService::Stub& stub) {
  context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(kDeadlineSeconds));
  stream_ = stub.Subscribe(&context_);
}

Reader::Reader(v1::ChannelService::Stub& stub, const v1::SubscribeRequest::Open& open)
    : Reader(stub) {
  Open(open);
}

Reader::~Reader() {
  Cancel();
  Finish();
}

bool Reader::Send(const v1::SubscribeRequest& request) { return stream_->Write(request); }

void Reader::Open(const v1::SubscribeRequest::Open& open) {
  v1::SubscribeRequest request;
  *request.mutable_open() = open;
  Send(request);
}

void Reader::Acknowledge(const std::string& channel, uint64_t epoch, uint64_t sequence) {
  v1::SubscribeRequest request;
  v1::Cursor& cursor = *request.mutable_acknowledge()->add_cursors();
  cursor.set_channel(channel);
  cursor.set_epoch(epoch);
  cursor.set_sequence(sequence);
  Send(request);
}

void Reader::Pause() {
  v1::SubscribeRequest request;
  request.mutable_pause();
  Send(request);
}

void Reader::Resume() {
  v1::SubscribeRequest request;
  request.mutable_resume();
  Send(request);
}

std::optional<v1::SubscribeResponse> Reader::Next() {
  v1::SubscribeResponse response;
  if (!stream_->Read(&response)) return std::nullopt;
  if (response.has_batch()) Enter(response.batch());
  return response;
}

bool Reader::Until(const std::function<bool(const v1::SubscribeResponse&)>& enough) {
  while (const auto response = Next()) {
    if (enough(*response)) return true;
  }
  return false;
}

bool Reader::UntilSequence(const std::string& channel, uint64_t epoch, uint64_t sequence) {
  const auto found = ledgers_.find({channel, epoch});
  if (found != ledgers_.end() && found->second.last >= sequence) return true;
  return Until([&](const v1::SubscribeResponse& response) {
    const v1::Batch& batch = response.batch();
    return batch.channel() == channel && batch.epoch() == epoch &&
           batch.last_sequence() >= sequence;
  });
}

grpc::Status Reader::Finish() {
  if (status_) return *status_;
  while (Next()) {
  }
  status_ = stream_->Finish();
  return *status_;
}

const Ledger& Reader::ledger(const std::string& channel) const {
  static const Ledger empty;
  const auto first = ledgers_.lower_bound({channel, 0});
  return first != ledgers_.end() && first->first.first == channel ? first->second : empty;
}

const Ledger& Reader::ledger(const std::string& channel, uint64_t epoch) const {
  return ledgers_.at({channel, epoch});
}

void Reader::Enter(const v1::Batch& batch) {
  Ledger& ledger = ledgers_[{batch.channel(), batch.epoch()}];
  uint64_t lost = 0;
  for (const v1::Lost& loss : batch.lost()) {
    lost += loss.count();
    ledger.lost_at[loss.stage()] += loss.count();
  }
  ledger.bytes += batch.ByteSizeLong();
  if (batch.first_sequence() == 0) return;  // covers nothing: a loss of unknown count
  EXPECT_EQ(batch.last_sequence() - batch.first_sequence() + 1,
            static_cast<uint64_t>(batch.records_size()) + lost + batch.filtered());
  if (ledger.first == 0) {
    ledger.first = batch.first_sequence();
  } else {
    EXPECT_EQ(batch.first_sequence(), ledger.last + 1);
  }
  uint64_t before = batch.first_sequence() - 1;
  for (const v1::Record& record : batch.records()) {
    EXPECT_GT(record.sequence(), before);
    EXPECT_LE(record.sequence(), batch.last_sequence());
    EXPECT_EQ(record.boottime_ns(), record.sequence());  // as FakeSource makes them
    before = record.sequence();
  }
  ledger.last = batch.last_sequence();
  ledger.records += static_cast<uint64_t>(batch.records_size());
  ledger.lost += lost;
  ledger.filtered += batch.filtered();
  ledger.sampled += batch.sampled();
}

v1::SubscribeRequest::Open OpenOf(const std::string& channel) {
  v1::SubscribeRequest::Open open;
  v1::Selection& selection = *open.add_selections();
  if (channel.find('*') == std::string::npos) {
    selection.set_name(channel);
  } else {
    selection.set_glob(channel);
  }
  return open;
}

v1::SubscribeRequest::Open OpenFromOldest(const std::string& channel) {
  v1::SubscribeRequest::Open open = OpenOf(channel);
  open.mutable_selections(0)->mutable_start()->mutable_oldest();
  return open;
}

}  // namespace kchan::testing
