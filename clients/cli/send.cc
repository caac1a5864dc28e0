// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "commands.h"
#include "explain.h"
#include "kchan/encode.h"
#include "kchan/publisher.h"
#include "kchan/schema.h"
#include "output.h"

namespace kchan::cli {
namespace {

struct SendOptions {
  std::string channel;
  std::string type;
  std::string json;
  std::string hex;
  std::string file;
};

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  if (path == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("'", path, "': ", strerror(errno)));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

absl::StatusOr<std::string> Payload(const SendOptions& send, const Schema& schema,
                                    const RecordType& type) {
  if (!send.file.empty()) return ReadFile(send.file);
  if (send.hex.empty()) return EncodeJson(schema, type, send.json.empty() ? "{}" : send.json);
  const bool is_hex = send.hex.size() % 2 == 0 &&
                      send.hex.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  if (!is_hex) return absl::InvalidArgumentError("--hex takes hex digits, two for each byte");
  return absl::HexStringToBytes(send.hex);
}

const RecordType* FindType(const Schema& schema, const std::string& name) {
  if (const RecordType* type = schema.FindType(std::string_view(name))) return type;
  if (name.find_first_not_of("0123456789") != std::string::npos || name.size() > 9) return nullptr;
  return schema.FindType(static_cast<uint32_t>(std::stoul(name)));
}

absl::Status UnknownType(const Schema& schema, const SendOptions& send) {
  std::string types;
  for (const RecordType& type : schema.types()) {
    if (type.proto().direction() == v1::DIRECTION_TO_USER) continue;
    absl::StrAppend(&types, types.empty() ? "" : ", ", Safe(type.name()));
  }
  if (types.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("channel '", send.channel,
                     "' takes no records: it goes from the kernel to user space only"));
  }
  return absl::InvalidArgumentError(absl::StrCat("channel '", send.channel, "' takes no type '",
                                                 send.type, "': it takes ", types));
}

absl::Status TakesNoRecords(const v1::Channel& channel) {
  const bool has_values = channel.volume() == "value";
  return absl::FailedPreconditionError(absl::StrCat(
      "channel '", Safe(channel.name()), "' has ", has_values ? "values" : "blocks",
      ", and takes no records: use `kchan ", has_values ? "value set" : "block write", "`"));
}

ExitCode Send(const GlobalOptions& options, const SendOptions& send) {
  const auto client = Connect(options, Right::kControl);
  if (!client.ok()) return Explain(client.status());
  const auto channel = (*client)->GetChannel(send.channel);
  if (!channel.ok()) return ExplainChannel(**client, channel.status(), send.channel);
  if (!HasRecords(*channel)) return Explain(TakesNoRecords(*channel));
  auto proto = (*client)->GetSchema(send.channel);
  if (!proto.ok()) return ExplainChannel(**client, proto.status(), send.channel);
  const auto schema = Schema::Make(*std::move(proto));
  if (!schema.ok()) return Explain(schema.status());
  const RecordType* type = FindType(**schema, send.type);
  if (type == nullptr || type->proto().direction() == v1::DIRECTION_TO_USER) {
    return Explain(UnknownType(**schema, send));
  }
  const auto payload = Payload(send, **schema, *type);
  if (!payload.ok()) return Explain(payload.status());

  const auto publisher = Publisher::Open(**client, (*client)->options().call_timeout);
  const absl::Status status = publisher->Publish(send.channel, type->id(), *payload);
  if (!status.ok()) return Explain(status);
  Print(absl::StrCat("sent ", payload->size(), " bytes to ", send.channel,
                     ": the kernel took them\n"));
  return kOk;
}

}  // namespace

void AddSend(CLI::App& app, const GlobalOptions& options, Command* chosen) {
  CLI::App* command = app.add_subcommand("send", "Send one record to the kernel");
  const auto send = std::make_shared<SendOptions>();
  command->add_option("channel", send->channel, "the channel's name")->required();
  command->add_option("type", send->type, "one of its types to the kernel, by name or number")
      ->required();
  CLI::Option_group* payload = command->add_option_group("payload");
  payload->add_option("--json", send->json, "its fields: '{\"name\": value, ..}'");
  payload->add_option("--hex", send->hex, "its bytes, as hex digits");
  payload->add_option("--file", send->file, "its bytes, from a file; - is standard input");
  payload->require_option(0, 1);
  command->callback([=, &options] { *chosen = [=, &options] { return Send(options, *send); }; });
}

}  // namespace kchan::cli
