// SPDX-License-Identifier: Apache-2.0
#include "tests/scenarios/scenario_node.h"

#include <cerrno>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "kchan/v1/schema.pb.h"
#include "tests/unit/netlink/netlink_testing.h"

namespace kchan::testing {
namespace {

using namespace std::string_literals;

constexpr uint64_t kEpoch = 77;
constexpr uint64_t kUnlucky = 13;

hub::Field Field(const std::string& name, v1::FieldKind kind, uint32_t offset, uint32_t size_bytes,
                 v1::FieldDisplay display = v1::FIELD_DISPLAY_UNSPECIFIED) {
  hub::Field field;
  field.name = name;
  field.kind = kind;
  field.display = display;
  field.offset = offset;
  field.size_bytes = size_bytes;
  return field;
}

hub::RecordType Type(uint32_t id, const std::string& name, hub::Direction direction,
                     uint32_t size_bytes, std::vector<hub::Field> fields) {
  hub::RecordType type;
  type.id = id;
  type.name = name;
  type.direction = direction;
  type.size_bytes = size_bytes;
  type.fields = std::move(fields);
  return type;
}

std::shared_ptr<const hub::Schema> MakeSchema(std::vector<hub::RecordType> types) {
  hub::Schema schema{.byte_order = hub::ByteOrder::kLittle, .types = std::move(types)};
  schema.id = hub::SchemaId(schema);
  return std::make_shared<const hub::Schema>(std::move(schema));
}

hub::ChannelDescription Describe(const std::string& name, const std::string& documentation) {
  hub::ChannelDescription description;
  description.name = name;
  description.documentation = documentation;
  description.provider = "scenario";
  description.transport = "ring";
  description.layout = "per_cpu";
  description.writer_policy = "lock_free";
  description.writer_context = "process";
  description.max_record_bytes = 4096;
  description.budget_bytes = 8 << 20;
  description.linger_ms = 60000;
  return description;
}

// A channel that is live in kEpoch, with an empty log.
std::shared_ptr<hub::Channel> Add(hub::Hub& hub, hub::ChannelDescription description,
                                  const std::shared_ptr<const hub::Schema>& schema) {
  auto channel =
      hub.Upsert(std::make_shared<const hub::ChannelDescription>(std::move(description)));
  channel->SetSchema(schema);
  channel->log().StartEpoch(kEpoch, schema->id, 1);
  channel->SetState(hub::ChannelState::kLive, "");
  return channel;
}

void Append(hub::Channel& channel, uint32_t type, const std::string& payload) {
  const uint64_t sequence = channel.log().next_sequence();
  channel.log().Append({.boottime_ns = sequence * 1'000'000, .cpu = 1, .type = type},
                       std::as_bytes(std::span(payload)));
}

}  // namespace

ScenarioNode::ScenarioNode(const std::string& directory)
    : directory_(directory),
      hub_({}, [](std::string_view) { return hub::LogLimits(); }),
      netlink_({.spec_directories = {netlink::SpecDirectory()}}) {
  hub_.SetDoor(this);
  AddConn();
  AddExec();
  AddNetdev();
  AddTick();
  AddBroken();
  hub_.SetKernelSide(
      {.state = hub::KernelSideState::kReady,
       .module_version = "0.1.0",
       .module_abi = "1.0",
       .problems = {
           {.subject = "channel broken", .description = "cannot be read", .remedy = "mend it"}}});
}

ScenarioNode::~ScenarioNode() = default;

absl::StatusOr<std::unique_ptr<ScenarioNode>> ScenarioNode::Start(const std::string& directory) {
  std::unique_ptr<ScenarioNode> node(new ScenarioNode(directory));
  if (absl::Status status = node->Restart(); !status.ok()) return status;
  return node;
}

absl::Status ScenarioNode::Restart() {
  server_.reset();
  rpc::ServerOptions options;
  options.listeners = {
      {.where = rpc::UnixListener{.path = directory_ + "/read.sock", .group = {}},
       .right = rpc::Right::kRead},
      {.where = rpc::UnixListener{.path = directory_ + "/control.sock", .group = {}},
       .right = rpc::Right::kControl}};
  options.node.name = "node1";
  options.node.kernel_release = "6.12.0";
  options.node.daemon_version = "0.1.0";
  options.node.daemon_abi = "1.0";
  auto server = rpc::Server::Start(hub_, options, &netlink_);
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  return absl::OkStatus();
}

void ScenarioNode::AddConn() {
  const auto peer = [](const std::string& name, uint32_t offset, uint32_t count) {
    hub::Field field = Field(name, v1::FIELD_KIND_STRUCT, offset, 8 * count);
    field.element_bytes = 8;
    field.members = {Field("ip", v1::FIELD_KIND_U32, 0, 4, v1::FIELD_DISPLAY_IPV4),
                     Field("port", v1::FIELD_KIND_U16, 4, 2, v1::FIELD_DISPLAY_PORT)};
    return field;
  };
  const std::vector<hub::Field> fields = {peer("local", 0, 1), peer("peers", 8, 2),
                                          Field("note", v1::FIELD_KIND_STRING_REST, 24, 0)};
  const auto schema = MakeSchema({Type(1, "conn", hub::Direction::kToUser, 24, fields),
                                  Type(2, "connect", hub::Direction::kToKernel, 24, fields)});
  hub::ChannelDescription description = Describe("conn", "Who talks to whom.");
  description.direction = hub::Direction::kBoth;
  const auto channel = Add(hub_, std::move(description), schema);
  Append(*channel, 1,
         "\x7f\0\0\x01\x50\0\0\0"s + "\x0a\0\0\x01\xbb\x01\0\0"s + "\x0a\0\0\x02\x35\0\0\0"s +
             "both up");
  channel->log().Publish();
}

void ScenarioNode::AddExec() {
  const auto schema = MakeSchema(
      {Type(1, "exec", hub::Direction::kToUser, 24,
            {Field("pid", v1::FIELD_KIND_U32, 0, 4), Field("comm", v1::FIELD_KIND_STRING, 4, 16),
             Field("path", v1::FIELD_KIND_STRING_LOC, 20, 4)})});
  const auto channel = Add(hub_, Describe("exec", "A program was started."), schema);
  const std::string comm = "bash"s + std::string(12, '\0');
  Append(*channel, 1, "\xe7\x03\0\0"s + comm + "\x18\0\x09\0"s + "/bin/bash");
  Append(*channel, 1,
         "\xe8\x03\0\0"s + "a b\x1b"s + std::string(12, '\0') + "\x18\0\x02\0"s + "/x");
  channel->log().Publish();
}

void ScenarioNode::AddNetdev() {
  hub::Field action = Field("action", v1::FIELD_KIND_U32, 0, 4, v1::FIELD_DISPLAY_ENUM);
  action.names = {{1, "up"}, {2, "down"}};
  hub::Field flags = Field("flags", v1::FIELD_KIND_U32, 4, 4, v1::FIELD_DISPLAY_FLAGS);
  flags.names = {{1, "UP"}, {64, "RUNNING"}};
  const auto schema = MakeSchema(
      {Type(1, "netdev", hub::Direction::kToUser, 30,
            {action, flags, Field("mac", v1::FIELD_KIND_BYTES, 8, 6, v1::FIELD_DISPLAY_MAC),
             Field("address", v1::FIELD_KIND_BYTES, 14, 16, v1::FIELD_DISPLAY_IP)})});
  const auto channel = Add(hub_, Describe("netdev", "A network device changed."), schema);
  Append(*channel, 1,
         "\x01\0\0\0\x41\0\0\0\x52\x54\0\x12\x34\x56"s +
             "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\x02\x0f"s);
  channel->log().Publish();
}

void ScenarioNode::AddTick() {
  const auto schema = MakeSchema(
      {Type(1, "tick", hub::Direction::kToUser, 8, {Field("count", v1::FIELD_KIND_U64, 0, 8)}),
       Type(2, "make", hub::Direction::kToKernel, 8, {Field("count", v1::FIELD_KIND_U64, 0, 8)})});
  hub::ChannelDescription description = Describe("tick", "Counts.");
  description.direction = hub::Direction::kBoth;
  description.parameters = {{"rate", 10, 1, 1000, 10, "Hz", "Records a second."}};
  tick_ = Add(hub_, std::move(description), schema);
  AppendTicks(3);
  tick_->log().AppendLoss(
      {.count = 7, .stage = hub::LossStage::kKernelRing, .cpu = 1, .cause = "ring full"});
  AppendTicks(2);
}

void ScenarioNode::AddBroken() {
  const auto channel = hub_.Upsert(
      std::make_shared<const hub::ChannelDescription>(Describe("broken", "Never works.")));
  channel->SetState(hub::ChannelState::kFailed, "it is broken: mend it");
}

void ScenarioNode::AppendTicks(uint64_t count) {
  for (; count > 0; --count) {
    const uint64_t number = tick_->log().next_sequence();
    std::string payload(sizeof(number), '\0');
    std::memcpy(payload.data(), &number, sizeof(number));
    Append(*tick_, 1, payload);
  }
  tick_->log().Publish();
}

hub::KernelAnswer ScenarioNode::Publish(const std::string& channel, uint32_t,
                                        std::span<const std::byte> payload) {
  uint64_t count = 0;
  if (channel != "tick" || payload.size() != sizeof(count)) {
    return {absl::UnimplementedError("it takes no records"), EOPNOTSUPP};
  }
  std::memcpy(&count, payload.data(), sizeof(count));
  if (count == kUnlucky) return {absl::InvalidArgumentError("13 is unlucky"), EINVAL};
  std::lock_guard lock(tick_mutex_);
  AppendTicks(count);
  return {absl::OkStatus(), 0};
}

hub::KernelAnswer ScenarioNode::Update(const std::string& channel,
                                       const hub::ChannelSettings& settings) {
  const auto found = hub_.Find(channel);
  auto description = *found->snapshot().description;
  for (const auto& [name, value] : settings.parameters) {
    for (hub::Parameter& parameter : description.parameters) {
      if (parameter.name == name) parameter.value = value;
    }
  }
  found->SetDescription(std::make_shared<const hub::ChannelDescription>(std::move(description)));
  return {absl::OkStatus(), 0};
}

absl::StatusOr<hub::ValueSnapshot> ScenarioNode::ReadValues(const std::string& /*channel*/) {
  return limits_.Read();
}

absl::StatusOr<hub::ValueChanged> ScenarioNode::ChangeValue(const std::string& /*channel*/,
                                                            const hub::ValueChange& change) {
  return limits_.Change(change);
}

absl::Status ScenarioNode::ReadBlocks(const std::string& /*channel*/, uint64_t offset,
                                      std::span<std::byte> to) {
  return disk_.Read(offset, to);
}

absl::Status ScenarioNode::WriteBlocks(const std::string& /*channel*/, uint64_t offset,
                                       std::span<const std::byte> from) {
  return disk_.Write(offset, from);
}

absl::Status ScenarioNode::FlushBlocks(const std::string& /*channel*/) { return absl::OkStatus(); }

// Channels of a scenario are always on.
void ScenarioNode::DemandChanged(std::shared_ptr<hub::Channel>) {}

}  // namespace kchan::testing
