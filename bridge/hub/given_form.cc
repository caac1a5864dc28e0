// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/given_form.h"

#include "bridge/hub/mask_program.h"

namespace kchan::hub {

RecordForm* GivenForm::Under(uint64_t schema_id) {
  if (!mask_) return nullptr;
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
  given_.reset();
  form_.reset();
  missing_fields_.clear();
  const auto schema = channel_.FindSchema(schema_id);
  if (!schema) return;
  const auto compiled = mask_->CompiledFor(*schema);
  given_ = masks_->AddSchema(channel_.name(), compiled->schema);
  form_ = std::make_unique<MaskedForm>(compiled->program);
  missing_fields_ = mask_->MissingIn(*compiled);
}

}  // namespace kchan::hub
