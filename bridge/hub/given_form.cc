// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/given_form.h"

#include <utility>

#include "bridge/hub/mask_program.h"

namespace kchan::hub {

RecordForm* GivenForm::Under(uint64_t schema_id) {
  if (!mask_ && !maker_) return nullptr;
  UseSchema(schema_id);
  return form_.get();
}

uint64_t GivenForm::SchemaIdUnder(uint64_t schema_id) {
  if (!mask_) return schema_id;
  UseSchema(schema_id);
  return given_ ? given_->id : schema_id;
}

void GivenForm::UseSchema(uint64_t schema_id) {
  if (schema_id == schema_id_) return;
  schema_id_ = schema_id;
  form_.reset();
  missing_fields_.clear();
  given_ = channel_.FindSchema(schema_id);
  if (!given_) return;
  if (mask_) {
    const auto compiled = mask_->CompiledFor(*given_);
    given_ = masks_->AddSchema(channel_.name(), compiled->schema);
    form_ = std::make_unique<MaskedForm>(compiled->program);
    missing_fields_ = mask_->MissingIn(*compiled);
  }
  if (maker_) form_ = maker_(*given_, std::move(form_));
}

}  // namespace kchan::hub
