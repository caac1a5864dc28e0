// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "commands.h"
#include "explain.h"
#include "kchan/error.h"
#include "output.h"

namespace kchan::cli {
namespace {

void AppendFact(std::string_view name, const std::string& value, std::string* out) {
  if (value.empty()) return;
  *out += absl::StrFormat("  %-12s %s\n", std::string(name), value);
}

void AppendSpoolFacts(const v1::Spool& spool, std::string* text) {
  AppendFact("spool",
             absl::StrCat(EnumText(v1::SpoolState_Name(spool.state()), "SPOOL_STATE_"), ", ",
                          BytesText(spool.bytes()), " of ", BytesText(spool.max_bytes()), ", ",
                          spool.records(), " records"),
             text);
  if (spool.oldest_sequence() != 0) {
    AppendFact("spooled",
               absl::StrCat("from ", spool.oldest_sequence(), ", epoch ", spool.oldest_epoch()),
               text);
  }
  AppendFact("spool why", Safe(spool.reason()), text);
}

void AppendRecordFacts(const v1::Channel& channel, std::string* text) {
  AppendFact("records",
             absl::StrCat(channel.last_sequence(), " so far, kept from ", channel.oldest_sequence(),
                          ", epoch ", channel.epoch()),
             text);
  AppendFact("log", BytesText(channel.log_bytes()) + " of " + BytesText(channel.log_max_bytes()),
             text);
  if (channel.has_spool()) AppendSpoolFacts(channel.spool(), text);
  if (channel.budget_bytes() == 0) return;
  AppendFact("kernel",
             BytesText(channel.budget_bytes()) + " for its buffers, on for " +
                 absl::StrCat(channel.linger_ms()) + " ms without a reader",
             text);
}

std::string Transport(const v1::Channel& channel) {
  if (channel.layout().empty()) return Safe(channel.transport());
  return Safe(channel.transport() + " " + channel.layout());
}

// Only a module's channel has writers that kchan knows.
std::string Writers(const v1::Channel& channel) {
  if (channel.writer_policy().empty()) return {};
  return Safe(channel.writer_policy() + ", up to " + channel.writer_context());
}

std::string ChannelText(const v1::Channel& channel) {
  std::string text = Safe(channel.name()) + "\n";
  AppendFact("what it is", Safe(channel.documentation()), &text);
  AppendFact("provider", Safe(channel.provider()), &text);
  AppendFact("transport", Transport(channel), &text);
  AppendFact("amount", Safe(channel.volume()), &text);
  AppendFact("direction", DirectionText(channel.direction()), &text);
  AppendFact("writers", Writers(channel), &text);
  AppendFact("state", StateText(channel.state()), &text);
  AppendFact("why", Safe(channel.state_reason()), &text);
  AppendFact("on the node", Safe(channel.path()), &text);
  if (channel.has_block()) {
    const v1::BlockGeometry& block = channel.block();
    AppendFact("blocks",
               absl::StrCat(BytesText(block.capacity_bytes()), " in blocks of ",
                            block.block_bytes(), " bytes", block.read_only() ? ", read-only" : ""),
               &text);
  }
  if (HasRecords(channel)) AppendRecordFacts(channel, &text);
  return text;
}

std::string ParametersText(const v1::Channel& channel) {
  if (channel.parameters().empty()) return {};
  Table table;
  table.Add({"PARAMETER", "VALUE", "DEFAULT", "RANGE", "UNIT", "WHAT IT IS"});
  for (const v1::Parameter& parameter : channel.parameters()) {
    table.Add({Safe(parameter.name()), absl::StrCat(parameter.value()),
               absl::StrCat(parameter.default_value()),
               absl::StrCat(parameter.min_value(), "..", parameter.max_value()),
               Safe(parameter.unit()), Safe(parameter.documentation())});
  }
  return "\nSet with `kchan set " + Safe(channel.name()) + " PARAMETER=VALUE`:\n" +
         table.ToString();
}

std::string KindText(const v1::Field& field) {
  std::string text = EnumText(v1::FieldKind_Name(field.kind()), "FIELD_KIND_");
  if (field.kind() == v1::FIELD_KIND_STRUCT && field.element_bytes() != 0 &&
      field.size_bytes() != field.element_bytes()) {
    text += absl::StrCat("[", field.size_bytes() / field.element_bytes(), "]");
  }
  if (field.display() != v1::FIELD_DISPLAY_UNSPECIFIED) {
    text += " " + EnumText(v1::FieldDisplay_Name(field.display()), "FIELD_DISPLAY_");
  }
  return text;
}

bool IsRest(const v1::Field& field) {
  return field.kind() == v1::FIELD_KIND_STRING_REST || field.kind() == v1::FIELD_KIND_BYTES_REST;
}

std::string FieldText(const v1::Field& field) {
  std::string text = Safe(field.documentation());
  if (field.writable()) text += text.empty() ? "(writable)" : " (writable)";
  if (field.names().empty()) return text;
  text += text.empty() ? "(" : " (";
  for (int i = 0; i < field.names_size(); ++i) {
    if (i != 0) text += ", ";
    text += absl::StrCat(field.names(i).value(), "=", Safe(field.names(i).name()));
  }
  return text + ")";
}

// A structure's members stand under it, with offsets from its start.
void AddFieldRows(const google::protobuf::RepeatedPtrField<v1::Field>& fields, int depth,
                  Table* table) {
  for (const v1::Field& field : fields) {
    table->Add({std::string(2 * depth, ' ') + Safe(field.name()), KindText(field),
                absl::StrCat(depth == 0 ? "" : "+", field.offset()),
                IsRest(field) ? "rest" : absl::StrCat(field.size_bytes()), Safe(field.unit()),
                FieldText(field)});
    AddFieldRows(field.members(), depth + 1, table);
  }
}

std::string TypeText(const v1::RecordType& type) {
  std::string text =
      absl::StrCat("\nType ", type.id(), " ", Safe(type.name()), ", ",
                   DirectionText(type.direction()), ", ", type.size_bytes(), " bytes");
  if (!type.documentation().empty()) text += ": " + Safe(type.documentation());
  text += "\n";
  Table table;
  table.Add({"FIELD", "KIND", "OFFSET", "BYTES", "UNIT", "WHAT IT IS"});
  AddFieldRows(type.fields(), 0, &table);
  return text + table.ToString();
}

ExitCode Describe(const GlobalOptions& options, const std::string& name) {
  const auto client = Connect(options, Right::kRead);
  if (!client.ok()) return Explain(client.status());
  const auto channel = (*client)->GetChannel(name);
  if (!channel.ok()) return ExplainChannel(**client, channel.status(), name);
  const auto schema = (*client)->GetSchema(name);
  // Blocks have none; nor has a channel that never worked.
  const bool has_schema = ErrorReason(schema.status()) != "NO_SUCH_SCHEMA";
  if (has_schema && !schema.ok()) return Explain(schema.status());

  std::string text = ChannelText(*channel) + ParametersText(*channel);
  if (has_schema) {
    for (const v1::RecordType& type : schema->types()) text += TypeText(type);
  }
  Print(text);
  return kOk;
}

}  // namespace

void AddDescribe(CLI::App& app, const GlobalOptions& options, Command* chosen) {
  CLI::App* command =
      app.add_subcommand("describe", "Show a channel, its parameters and its record schema");
  const auto name = std::make_shared<std::string>();
  command->add_option("channel", *name, "the channel's name")->required();
  command->callback(
      [=, &options] { *chosen = [=, &options] { return Describe(options, *name); }; });
}

}  // namespace kchan::cli
