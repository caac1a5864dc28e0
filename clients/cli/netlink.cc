// SPDX-License-Identifier: Apache-2.0
#include "kchan/netlink.h"

#include <google/protobuf/util/json_util.h>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "commands.h"
#include "explain.h"
#include "json.h"
#include "netlink_family_text.h"
#include "netlink_listen.h"
#include "netlink_operation_text.h"
#include "netlink_text.h"
#include "output.h"
#include "parse.h"
#include "stop.h"

namespace kchan::cli {
namespace {

struct NetlinkCommandOptions {
  std::string family;
  std::string operation;
  std::string network_namespace;
  std::string json;  // the request's content
  std::string hex;   // the same as bytes
  std::string timeout;
  uint32_t max_restarts = 0;
  bool as_json = false;
  bool lines = false;
  bool raw = false;
};

// "did you mean ..", of what the family, or the node, has.
void SuggestNames(const char* what, const std::string& name,
                  const std::vector<std::string>& names) {
  const std::vector<std::string> similar = Similar(name, names);
  if (!similar.empty()) {
    std::fprintf(stderr, "  what to do: did you mean %s?\n",
                 absl::StrJoin(similar, " or ").c_str());
  } else if (!names.empty()) {
    std::fprintf(stderr, "  what to do: there %s %s: %s\n", names.size() == 1 ? "is" : "are", what,
                 absl::StrJoin(names, ", ").c_str());
  }
}

// Explains an error of a request; what is not found may be misspelt.
ExitCode ExplainNetlink(Client& client, const absl::Status& status,
                        const NetlinkCommandOptions& options) {
  const ExitCode code = Explain(status);
  if (status.code() != absl::StatusCode::kNotFound) return code;
  const auto families = ListNetlinkFamilies(client, options.network_namespace);
  if (!families.ok()) return code;
  std::vector<std::string> names;
  for (const v1::NetlinkFamily& family : *families) {
    if (family.name() != options.family) {
      names.push_back(Safe(family.name()));
      continue;
    }
    std::vector<std::string> operations;
    for (const v1::NetlinkOperation& operation : family.operations()) {
      if (operation.name() == options.operation) return code;  // then something else was not
      if (!operation.name().empty()) operations.push_back(Safe(operation.name()));
    }
    SuggestNames("the operations", options.operation, operations);
    return code;
  }
  SuggestNames("the families", options.family, names);
  return code;
}

ExitCode Families(const GlobalOptions& global, const NetlinkCommandOptions& options) {
  const auto client = Connect(global, Right::kRead);
  if (!client.ok()) return Explain(client.status());
  const auto families = ListNetlinkFamilies(**client, options.network_namespace);
  if (!families.ok()) return Explain(families.status());
  if (!options.as_json) {
    Print(FamiliesText(*families));
    return kOk;
  }
  for (const v1::NetlinkFamily& family : *families) Print(MessageJson(family) + "\n");
  return kOk;
}

ExitCode Describe(const GlobalOptions& global, const NetlinkCommandOptions& options) {
  const auto client = Connect(global, Right::kRead);
  if (!client.ok()) return Explain(client.status());
  const auto described =
      DescribeNetlinkFamily(**client, options.family, options.network_namespace, options.operation);
  if (!described.ok()) return ExplainNetlink(**client, described.status(), options);
  if (options.as_json) {
    Print(MessageJson(*described) + "\n");
  } else {
    Print(options.operation.empty() ? FamilyText(*described) : OperationsText(*described));
  }
  return kOk;
}

absl::StatusOr<v1::RequestRequest> MakeRequest(const NetlinkCommandOptions& options,
                                               v1::NetlinkMode mode) {
  v1::RequestRequest request;
  request.set_family(options.family);
  request.set_operation(options.operation);
  request.set_mode(mode);
  request.set_network_namespace(options.network_namespace);
  request.set_max_restarts(options.max_restarts);
  if (options.raw) request.set_form(v1::NETLINK_FORM_RAW);
  if (!options.json.empty() && !options.hex.empty()) {
    return absl::InvalidArgumentError("--json and --hex: give one of them");
  }
  if (!options.json.empty()) {
    const auto parsed =
        google::protobuf::util::JsonStringToMessage(options.json, request.mutable_attributes());
    if (!parsed.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--json: not a JSON object: ",
                       std::string(parsed.message().data(), parsed.message().size())));
    }
  }
  if (!options.hex.empty()) {
    const bool is_hex =
        options.hex.size() % 2 == 0 &&
        options.hex.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
    if (!is_hex)
      return absl::InvalidArgumentError("--hex: not bytes in hexadecimal, as 0500010002");
    request.set_raw(absl::HexStringToBytes(options.hex));
  }
  return request;
}

// Prints what an answer brings. What may still turn out to count no more, because a
// dump is begun again, waits for the end.
class Answer {
 public:
  explicit Answer(const NetlinkCommandOptions& options) : options_(options) {}

  void Add(const v1::RequestResponse& response) {
    if (response.restarted()) {
      std::fprintf(stderr, "kchan: interrupted by a change: asked for again\n");
      text_.clear();
    }
    for (const v1::NetlinkMessage& message : response.messages()) {
      absl::StrAppend(&text_, options_.lines ? MessageLine(message) + "\n" : MessageText(message));
    }
    interrupted_ |= response.interrupted();
    if (options_.max_restarts == 0) Flush();
  }

  ExitCode End() {
    Flush();
    if (!interrupted_) return kOk;
    std::fprintf(stderr,
                 "kchan: interrupted by a change: something may be missing, or there twice\n"
                 "  what to do: ask again, or with --restarts\n");
    return kError;
  }

 private:
  void Flush() {
    Print(text_);
    text_.clear();
  }

  const NetlinkCommandOptions& options_;
  std::string text_;
  bool interrupted_ = false;
};

ExitCode Ask(const GlobalOptions& global, const NetlinkCommandOptions& options,
             v1::NetlinkMode mode) {
  StopWatch stop;
  const auto request = MakeRequest(options, mode);
  const auto timeout = ParseDuration("--timeout", options.timeout, absl::InfiniteDuration());
  for (const absl::Status& status : {request.status(), timeout.status()}) {
    if (status.ok()) continue;
    Explain(status);
    return kUsage;
  }
  // Only a control listener lets clients do what is not for everybody.
  const auto client = Connect(global, mode == v1::NETLINK_MODE_DO ? Right::kMost : Right::kRead);
  if (!client.ok()) return Explain(client.status());
  const auto call = NetlinkRequest::Open(**client, *request, *timeout);
  stop.Start([&call] { call->Cancel(); });
  Answer answer(options);
  absl::Status status;
  for (;;) {
    const auto response = call->Next();
    status = response.status();
    if (!response.ok() || !*response) break;
    answer.Add(**response);
  }
  stop.End();
  const ExitCode code = answer.End();
  if (status.ok() || status.code() == absl::StatusCode::kCancelled) return code;
  return ExplainNetlink(**client, status, options);
}

}  // namespace

void AddNetlink(CLI::App& app, const GlobalOptions& global, Command* chosen) {
  CLI::App* command = app.add_subcommand("netlink", "Ask and follow generic-netlink families");
  command->require_subcommand(1);
  const auto options = std::make_shared<NetlinkCommandOptions>();
  const auto add = [&](const char* name, const char* what) {
    CLI::App* sub = command->add_subcommand(name, what);
    sub->add_option("--netns", options->network_namespace,
                    "a network namespace of kchand's configuration (default: its own)");
    return sub;
  };
  const auto add_request = [&](const char* name, const char* what, v1::NetlinkMode mode) {
    CLI::App* sub = add(name, what);
    sub->add_option("family", options->family, "the family's name")->required();
    sub->add_option("operation", options->operation, "its name in the specification, or its number")
        ->required();
    sub->add_option("--json", options->json, "the request's attributes, as a JSON object");
    sub->add_option("--hex", options->hex, "the same as bytes, in hexadecimal");
    sub->add_flag("--lines", options->lines, "one JSON object a line");
    sub->add_flag("--raw", options->raw, "show bytes, not attributes");
    sub->add_option("--timeout", options->timeout, "a time like 500ms or 10s (default: none)");
    sub->callback([=, &global] { *chosen = [=, &global] { return Ask(global, *options, mode); }; });
    return sub;
  };

  CLI::App* families = add("families", "Show which there are");
  families->add_flag("--json", options->as_json, "one JSON object a line");
  families->callback(
      [=, &global] { *chosen = [=, &global] { return Families(global, *options); }; });
  CLI::App* describe =
      add("describe", "Show a family's operations and groups, or what an operation takes");
  describe->add_option("family", options->family, "the family's name")->required();
  describe->add_option("operation", options->operation,
                       "its name in the specification, or its number");
  describe->add_flag("--json", options->as_json, "one JSON object");
  describe->callback(
      [=, &global] { *chosen = [=, &global] { return Describe(global, *options); }; });
  add_request("do", "Make one request", v1::NETLINK_MODE_DO);
  add_request("dump", "List", v1::NETLINK_MODE_DUMP)
      ->add_option("--restarts", options->max_restarts,
                   "begin again so often if a change interrupts it");
  AddNetlinkListen(*command, global, chosen);
}

}  // namespace kchan::cli
