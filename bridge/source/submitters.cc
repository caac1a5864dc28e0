// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/submitters.h"

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bridge/netlink/netlink_ack.h"
#include "bridge/source/kernel_messages.h"

namespace kchan::source {

hub::KernelAnswer Refusal(const std::string& channel, int error, std::string words) {
  netlink::NetlinkAck ack;
  ack.error = error;
  ack.message = std::move(words);
  // A write() has no words; that the channel is dead is not its module's.
  if (ack.message.empty() && error != ESHUTDOWN) ack.message = "the module refused it";
  return {.status = netlink::AckStatus(ack, absl::StrCat("record to channel ", channel),
                                       KchanAttributeName),
          .kernel_errno = error};
}

std::optional<hub::KernelAnswer> Submitters::Submit(const std::string& channel, uint16_t type,
                                                    std::span<const std::byte> payload) {
  uint64_t version = 0;
  std::unique_ptr<Submitter> submitter = Take(channel, &version);
  if (submitter != nullptr) {
    hub::KernelAnswer answer = submitter->Submit(type, payload);
    if (submitter->healthy()) {
      Give(channel, std::move(submitter), version);
      return answer;
    }
    // At most once: only what a dead channel's file refused may go again, for
    // it was kept while the channel was registered anew.
    if (answer.kernel_errno != ESHUTDOWN) return answer;
  }
  auto attached = attach_(channel);
  if (!attached.ok()) return std::nullopt;
  submitter = *std::move(attached);
  hub::KernelAnswer answer = submitter->Submit(type, payload);
  if (submitter->healthy()) Give(channel, std::move(submitter), version);
  return answer;
}

std::unique_ptr<Submitter> Submitters::Take(const std::string& channel, uint64_t* version) {
  const std::lock_guard lock(mutex_);
  *version = version_;
  const auto found = idle_.find(channel);
  if (found == idle_.end()) return nullptr;
  std::unique_ptr<Submitter> submitter = std::move(found->second);
  idle_.erase(found);
  return submitter;
}

void Submitters::Give(const std::string& channel, std::unique_ptr<Submitter> submitter,
                      uint64_t version) {
  const std::lock_guard lock(mutex_);
  if (version != version_ || idle_.size() >= kMaxIdle) return;
  idle_.try_emplace(channel, std::move(submitter));
}

void Submitters::LetGo() {
  std::map<std::string, std::unique_ptr<Submitter>> dropped;
  const std::lock_guard lock(mutex_);
  ++version_;
  dropped.swap(idle_);
}

}  // namespace kchan::source
