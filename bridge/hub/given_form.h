// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_GIVEN_FORM_H_
#define KCHAN_BRIDGE_HUB_GIVEN_FORM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bridge/hub/channel.h"
#include "bridge/hub/field_mask.h"
#include "bridge/hub/field_masks.h"
#include "bridge/hub/record_form.h"

namespace kchan::hub {

// What one reader is given of a channel's records, under each schema that it
// meets: the fields of a mask, in the form that a maker makes. Records whose schema
// is not known are given as they are.
//
// Thread safety: none; a part of its reader.
//
// Lifetime: the channel and the masks outlive it.
class GivenForm {
 public:
  // `mask` null: all fields. Else it is one of `masks`. `maker` empty: payloads as
  // they are.
  GivenForm(Channel& channel, std::shared_ptr<const FieldMask> mask, FieldMasks* masks,
            RecordFormMaker maker)
      : channel_(channel), mask_(std::move(mask)), masks_(masks), maker_(std::move(maker)) {}

  // Null: as they are. Valid until another schema is asked for.
  RecordForm* Under(uint64_t schema_id);
  // That of what is given of records of `schema_id`.
  uint64_t SchemaIdUnder(uint64_t schema_id);
  // Fields that were asked for, and that the schema last asked for lacks.
  const std::vector<std::string>& missing_fields() const { return missing_fields_; }

 private:
  void UseSchema(uint64_t schema_id);

  Channel& channel_;
  const std::shared_ptr<const FieldMask> mask_;
  FieldMasks* const masks_;
  const RecordFormMaker maker_;
  uint64_t schema_id_ = 0;               // the channel's
  std::shared_ptr<const Schema> given_;  // keeps it findable
  std::unique_ptr<RecordForm> form_;
  std::vector<std::string> missing_fields_;
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_GIVEN_FORM_H_
