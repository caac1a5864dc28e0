// SPDX-License-Identifier: Apache-2.0
//
// cut_client TARGET TAPE LAST: reads channel "tick" up to LAST, from where the
// tape says that the one before has come to. It is killed at any point of this.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <variant>

#include "kchan/batch.h"
#include "kchan/client.h"
#include "kchan/subscription.h"
#include "tests/component/cut_tape.h"
#include "tests/component/fake_source.h"

namespace kchan::testing {
namespace {

int Fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  return 1;
}

v1::Start StartOf(const CutTape& tape) {
  v1::Cursor cursor;
  cursor.set_channel("tick");
  cursor.set_epoch(kEpoch);
  cursor.set_sequence(tape.reached());
  return FromCursor(cursor);
}

void Write(const BatchView& batch, CutTape& tape) {
  for (const LostView& lost : batch.lost()) {
    for (uint64_t i = 0; i < lost.count; ++i) tape.Set(lost.first_sequence + i, kLost);
  }
  for (const RecordView& record : batch.records()) {
    tape.Set(record.sequence, ChecksumOf(record.payload));
  }
  tape.SetReached(batch.last_sequence());
}

int Main(const std::string& target, const std::string& path, uint64_t last) {
  CutTape tape(path);
  const auto client = Client::Connect({.target = target});
  if (!client.ok()) return Fail(client.status().ToString());
  SubscriptionOptions options;
  *options.open.add_selections() = Select("tick", StartOf(tape));
  // Small ones: a cut falls between two of them, or into one.
  options.open.set_max_batch_bytes(4096);
  Subscription subscription(**client, options);
  while (tape.reached() < last) {
    const absl::StatusOr<Delivery> delivery = subscription.Next();
    if (!delivery.ok()) return Fail(delivery.status().ToString());
    const auto* batch = std::get_if<const BatchView*>(&*delivery);
    if (batch == nullptr || (*batch)->first_sequence() == 0) continue;
    if ((*batch)->first_sequence() != tape.reached() + 1) {
      return Fail("number " + std::to_string((*batch)->first_sequence()) + " follows " +
                  std::to_string(tape.reached()));
    }
    Write(**batch, tape);
  }
  return 0;
}

}  // namespace
}  // namespace kchan::testing

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  return kchan::testing::Main(argv[1], argv[2], std::strtoull(argv[3], nullptr, 10));
}
