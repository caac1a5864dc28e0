// SPDX-License-Identifier: Apache-2.0
#include "completion/candidates.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "kchan/netlink.h"
#include "output.h"

namespace kchan::cli {
namespace {

// Of each call, of which there are two at most: who waits for it has pressed a
// key.
constexpr absl::Duration kTimeout = absl::Milliseconds(700);

// What was given for an argument; empty: nothing.
std::string Given(const CompletionPlace& place, const std::string& argument) {
  const auto found = place.given.find(argument);
  return found == place.given.end() ? std::string() : found->second;
}

// Whether the command that is given works with such channels.
bool IsFor(const CompletionPlace& place, const v1::Channel& channel) {
  const std::string& command = place.commands.at(1)->get_name();
  if (command == "value") return channel.volume() == "value";
  if (command == "block") return channel.has_block();
  if (command == "set") return !channel.parameters().empty();
  if (command == "send") return channel.direction() != v1::DIRECTION_TO_USER && HasRecords(channel);
  if (command == "tail")
    return channel.direction() != v1::DIRECTION_TO_KERNEL && HasRecords(channel);
  return true;
}

std::vector<Candidate> Channels(Client& client, const CompletionPlace& place) {
  const auto channels = client.ListChannels();
  std::vector<Candidate> names;
  if (!channels.ok()) return names;
  for (const v1::Channel& channel : *channels) {
    if (IsFor(place, channel)) names.push_back({channel.name(), channel.documentation()});
  }
  return names;
}

std::vector<Candidate> RecordTypes(Client& client, const CompletionPlace& place) {
  const auto schema = client.GetSchema(Given(place, "channel"));
  std::vector<Candidate> names;
  if (!schema.ok()) return names;
  for (const v1::RecordType& type : schema->types()) {
    if (type.direction() != v1::DIRECTION_TO_USER) {
      names.push_back({type.name(), type.documentation()});
    }
  }
  return names;
}

std::vector<Candidate> Words(Client& client, const CompletionPlace& place) {
  const auto schema = client.GetSchema(Given(place, "channel"));
  std::vector<Candidate> names;
  if (!schema.ok()) return names;
  for (const v1::RecordType& type : schema->types()) {
    for (const v1::Field& field : type.fields()) {
      names.push_back({field.name(), field.documentation()});
    }
  }
  return names;
}

void AddFields(const google::protobuf::RepeatedPtrField<v1::Field>& fields,
               const std::string& before, std::vector<Candidate>* paths) {
  for (const v1::Field& field : fields) {
    paths->push_back({before + field.name(), field.documentation()});
    AddFields(field.members(), before + field.name() + ".", paths);
  }
}

// What there is before the last comma stays.
std::vector<Candidate> FieldPaths(Client& client, const CompletionPlace& place) {
  const auto schema = client.GetSchema(Given(place, "channels"));
  std::vector<Candidate> paths;
  if (!schema.ok()) return paths;
  const std::string before = place.word.substr(0, place.word.rfind(',') + 1);
  for (const v1::RecordType& type : schema->types()) {
    if (type.direction() != v1::DIRECTION_TO_KERNEL) AddFields(type.fields(), before, &paths);
  }
  return paths;
}

std::vector<Candidate> Parameters(Client& client, const CompletionPlace& place) {
  const auto channel = client.GetChannel(Given(place, "channel"));
  std::vector<Candidate> names;
  if (!channel.ok()) return names;
  for (const v1::Parameter& parameter : channel->parameters()) {
    names.push_back({parameter.name() + "=", parameter.documentation()});
  }
  return names;
}

std::vector<v1::NetlinkFamily> NetlinkFamilies(Client& client, const CompletionPlace& place) {
  auto families = ListNetlinkFamilies(client, Given(place, "--netns"));
  return families.ok() ? *std::move(families) : std::vector<v1::NetlinkFamily>();
}

// The family that is given, or one without a name.
v1::NetlinkFamily GivenFamily(Client& client, const CompletionPlace& place) {
  const std::string name = Given(place, "family");
  for (v1::NetlinkFamily& family : NetlinkFamilies(client, place)) {
    if (family.name() == name) return std::move(family);
  }
  return {};
}

std::vector<Candidate> Families(Client& client, const CompletionPlace& place) {
  std::vector<Candidate> names;
  const bool needs_group = place.commands.back()->get_name() == "listen";
  for (const v1::NetlinkFamily& family : NetlinkFamilies(client, place)) {
    if (needs_group && family.groups().empty()) continue;
    names.push_back({family.name(), family.documentation()});
  }
  return names;
}

std::vector<Candidate> Operations(Client& client, const CompletionPlace& place) {
  const std::string& command = place.commands.back()->get_name();
  const v1::NetlinkFamily family = GivenFamily(client, place);
  std::vector<Candidate> names;
  for (const v1::NetlinkOperation& operation : family.operations()) {
    if (operation.name().empty()) continue;
    if ((command == "do" && !operation.can_do()) || (command == "dump" && !operation.can_dump())) {
      continue;
    }
    names.push_back({operation.name(), operation.documentation()});
  }
  return names;
}

std::vector<Candidate> Groups(Client& client, const CompletionPlace& place) {
  const v1::NetlinkFamily family = GivenFamily(client, place);
  std::vector<Candidate> names;
  for (const v1::NetlinkGroup& group : family.groups()) {
    names.push_back({group.name(), group.channel()});
  }
  return names;
}

// The network namespaces whose channels there are: "netlink/netdev/mgmt@blue".
std::vector<Candidate> NetworkNamespaces(Client& client, const CompletionPlace& /*place*/) {
  const auto channels = client.ListChannels();
  std::vector<Candidate> names;
  if (!channels.ok()) return names;
  std::set<std::string> found;
  for (const v1::Channel& channel : *channels) {
    const size_t at = channel.name().rfind('@');
    if (at != std::string::npos) found.insert(channel.name().substr(at + 1));
  }
  for (const std::string& name : found) names.push_back({name});
  return names;
}

std::vector<Candidate> Fixed(std::initializer_list<const char*> texts) {
  std::vector<Candidate> words;
  for (const char* text : texts) words.push_back({text});
  return words;
}

// By the name of the argument, which is the same in all commands.
using Asked = std::vector<Candidate> (*)(Client&, const CompletionPlace&);
constexpr std::pair<std::string_view, Asked> kAsked[] = {
    {"channel", Channels},          {"channels", Channels},
    {"type", RecordTypes},          {"word", Words},
    {"family", Families},           {"operation", Operations},
    {"--fields", FieldPaths},       {"group", Groups},
    {"--netns", NetworkNamespaces}, {"assignments", Parameters},
};

bool IsFile(const std::string& argument) {
  return argument == "--file" || argument == "--tls-ca" || argument == "--tls-cert" ||
         argument == "--tls-key";
}

}  // namespace

Candidates CandidatesFor(const CompletionPlace& place, GlobalOptions options) {
  const std::string argument = ArgumentName(*place.argument);
  if (IsFile(argument)) return {.are_files = true};
  if (argument == "shell") return {.words = Fixed({"bash", "zsh", "fish"})};
  if (argument == "--overflow") {
    return {.words = Fixed({"oldest", "newest", "disconnect", "block"})};
  }
  const auto asked =
      std::ranges::find(kAsked, argument, &std::pair<std::string_view, Asked>::first);
  if (asked == std::end(kAsked) || place.commands.size() < 2) return {};

  const std::pair<const char*, std::string&> facts[] = {
      {"--server", options.server},
      {"--tls-ca", options.tls.ca_file},
      {"--tls-cert", options.tls.certificate_file},
      {"--tls-key", options.tls.key_file}};
  for (const auto& [name, value] : facts) {
    if (const std::string given = Given(place, name); !given.empty()) value = given;
  }
  options.call_timeout = kTimeout;
  const auto client = Connect(options, Right::kRead);
  if (!client.ok()) return {};
  return {.words = asked->second(**client, place)};
}

}  // namespace kchan::cli
