// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_SCENARIOS_SCENARIO_NODE_H_
#define KCHAN_TESTS_SCENARIOS_SCENARIO_NODE_H_

#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "bridge/hub/hub.h"
#include "bridge/hub/kernel_door.h"
#include "bridge/netlink/netlink_engine.h"
#include "bridge/rpc/server.h"
#include "tests/scenarios/scenario_devices.h"

namespace kchan::testing {

// ScenarioNode is a node without a kernel: the real hub and the real gRPC edge,
// over channels whose history never changes, so that what a client prints can
// be written down. Netlink families are the running kernel's, by the specifications
// that scripts/fetch-netlink-specs has fetched.
//
//   conn     history only: one record, structures and a text to its end; knows a
//            command of the same form, and refuses it
//   exec     history only: two records, strings and a path
//   netdev   history only: one record, addresses, an enum, flags
//   tick     records 1 to 3, 7 lost, 11 and 12; takes a command `make {count}`
//            that appends live records, refused (EINVAL) for a count of 13
//   broken   FAILED, with a reason
//   limits   values, and disk and rom blocks: see scenario_devices.h
//
// Thread safety: Restart() from one thread; the door from any.
class ScenarioNode final : public hub::KernelDoor {
 public:
  // Listens on read.sock and control.sock in `directory`.
  static absl::StatusOr<std::unique_ptr<ScenarioNode>> Start(const std::string& directory);
  ~ScenarioNode() override;

  // Cuts all streams and serves again.
  absl::Status Restart();

  hub::KernelAnswer Publish(const std::string& channel, uint32_t type,
                            std::span<const std::byte> payload) override;
  hub::KernelAnswer Update(const std::string& channel,
                           const hub::ChannelSettings& settings) override;
  absl::StatusOr<hub::ValueSnapshot> ReadValues(const std::string& channel) override;
  absl::StatusOr<hub::ValueChanged> ChangeValue(const std::string& channel,
                                                const hub::ValueChange& change) override;
  absl::Status ReadBlocks(const std::string& channel, uint64_t offset,
                          std::span<std::byte> to) override;
  absl::Status WriteBlocks(const std::string& channel, uint64_t offset,
                           std::span<const std::byte> from) override;
  absl::Status FlushBlocks(const std::string& channel) override;
  void DemandChanged(std::shared_ptr<hub::Channel> channel) override;

 private:
  explicit ScenarioNode(const std::string& directory);
  void AddConn();
  void AddExec();
  void AddNetdev();
  void AddTick();
  void AddBroken();
  void AppendTicks(uint64_t count);

  const std::string directory_;
  hub::Hub hub_;
  ScenarioValues limits_{hub_};
  ScenarioDisk disk_{hub_};
  std::mutex tick_mutex_;  // the one writer at a time of tick's log
  std::shared_ptr<hub::Channel> tick_;
  const netlink::NetlinkEngine netlink_;
  std::unique_ptr<rpc::Server> server_;
};

}  // namespace kchan::testing

#endif  // KCHAN_TESTS_SCENARIOS_SCENARIO_NODE_H_
