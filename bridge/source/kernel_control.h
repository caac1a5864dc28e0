// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_KERNEL_CONTROL_H_
#define KCHAN_BRIDGE_SOURCE_KERNEL_CONTROL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bridge/hub/kernel_door.h"
#include "bridge/netlink/genl_socket.h"
#include "bridge/source/kernel_messages.h"

namespace kchan::source {

// Asks the family "kchan": linux/kchan.h's commands as functions. All block
// for as long as the kernel takes.
//
// Errors: the kernel's own, with its words; FAILED_PRECONDITION: the family is
// gone; anything that GenlSocket::Ask() says, after which healthy() is false.
//
// Thread safety: one thread at a time.
class KernelControl {
 public:
  // `family` as nlctrl names it now.
  static absl::StatusOr<std::unique_ptr<KernelControl>> Open(uint16_t family);

  absl::StatusOr<NodeMessage> GetNode();
  // May be inconsistent if channels come or go meanwhile: join the
  // announcements first.
  absl::StatusOr<std::vector<ChannelMessage>> ListChannels();
  absl::StatusOr<ChannelMessage> GetChannel(const std::string& name);
  absl::StatusOr<hub::Schema> GetSchema(const std::string& name);

  absl::StatusOr<StatsMessage> GetStats(const std::string& name);

  // This object then owns the demand for a channel that nobody
  // attaches to (GENL, RELAY, LOG).
  // May be repeated, to learn the last number used.
  absl::StatusOr<EnabledMessage> Enable(const std::string& name);
  absl::Status Disable(const std::string& name);

  hub::KernelAnswer Send(const std::string& name, uint16_t type,
                         std::span<const std::byte> payload);
  hub::KernelAnswer Set(const std::string& name, const hub::ChannelSettings& settings);

  // All channels end, so that everybody lets go of the module.
  absl::Status Quiesce();

  // False: use another one.
  bool healthy() const { return healthy_; }

 private:
  KernelControl(uint16_t family, std::unique_ptr<netlink::GenlSocket> socket)
      : family_(family), socket_(std::move(socket)) {}

  hub::KernelAnswer Ask(netlink::GenlRequest& request, const std::string& what,
                        netlink::OnGenlMessage on_reply);
  // For requests whose answer is one message, read by `parse`.
  template <typename T>
  absl::StatusOr<T> AskOne(uint8_t command, const std::string& name, const std::string& what,
                           absl::StatusOr<T> (*parse)(std::span<const std::byte>));

  const uint16_t family_;
  const std::unique_ptr<netlink::GenlSocket> socket_;
  bool healthy_ = true;
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_KERNEL_CONTROL_H_
