// SPDX-License-Identifier: Apache-2.0
// Prints the last ten records of a channel and all that follow, with the name
// of each record's type: the example of docs/api.md.
#include <cstdio>
#include <string>

#include "kchan/client.h"
#include "kchan/format.h"
#include "kchan/schema_cache.h"
#include "kchan/subscription.h"

namespace {

absl::Status Follow(const std::string& target, const std::string& channel) {
  auto client = kchan::Client::Connect({.target = target});
  if (!client.ok()) return client.status();

  kchan::SubscriptionOptions options;
  *options.open.add_selections() = kchan::Select(channel, kchan::FromLast(10));
  options.reconnect = false;
  kchan::Subscription subscription(**client, options);
  kchan::SchemaCache schemas(*client);
  for (;;) {
    auto delivery = subscription.Next();
    if (!delivery.ok()) return delivery.status();
    const auto* batch = std::get_if<const kchan::BatchView*>(&*delivery);
    if (batch == nullptr) continue;
    auto schema = schemas.Get((*batch)->channel(), (*batch)->schema_id());
    if (!schema.ok()) return schema.status();
    for (const kchan::RecordView& record : (*batch)->records()) {
      std::string line;
      if (const auto* type = (*schema)->FindType(record.type)) {
        kchan::AppendFieldsText(*type, record.payload, &line);
      }
      std::puts(line.c_str());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: last_records TARGET CHANNEL\n");
    return 2;
  }
  const absl::Status status = Follow(argv[1], argv[2]);
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
