// SPDX-License-Identifier: Apache-2.0
#include "bridge/rpc/json_form.h"

#include <string>
#include <string_view>
#include <utility>

#include "bridge/rpc/convert.h"
#include "kchan/format.h"
#include "kchan/schema.h"

namespace kchan::rpc {
namespace {

// A message that holds it must stay below gRPC's 4 MiB.
constexpr size_t kMaxJsonBytes = 1 << 20;

class JsonForm final : public hub::RecordForm {
 public:
  JsonForm(std::shared_ptr<const Schema> schema, std::unique_ptr<hub::RecordForm> within)
      : schema_(std::move(schema)), within_(std::move(within)) {}

  hub::GivenPayload Of(uint32_t type_id, std::string_view payload) override {
    const hub::GivenPayload given =
        within_ ? within_->Of(type_id, payload) : hub::GivenPayload{payload};
    const RecordType* type = schema_->FindType(type_id);
    if (type == nullptr) return given;
    text_ = "{\"type\":";
    AppendJsonString(type->name(), &text_);
    text_ += ",\"fields\":";
    AppendFieldsJson(*type, given.bytes, &text_);
    text_ += '}';
    if (text_.size() > kMaxJsonBytes) return given;
    return {.bytes = text_, .field = hub::wire::kRecordJson};
  }

 private:
  const std::shared_ptr<const Schema> schema_;
  const std::unique_ptr<hub::RecordForm> within_;  // null: none
  std::string text_;
};

}  // namespace

std::unique_ptr<hub::RecordForm> MakeJsonForm(const hub::Schema& schema,
                                              std::unique_ptr<hub::RecordForm> within) {
  auto readable = Schema::Make(ToProto(schema));
  if (!readable.ok()) return within;
  return std::make_unique<JsonForm>(*std::move(readable), std::move(within));
}

}  // namespace kchan::rpc
