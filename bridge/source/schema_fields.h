// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_SCHEMA_FIELDS_H_
#define KCHAN_BRIDGE_SOURCE_SCHEMA_FIELDS_H_

#include <linux/kchan.h>

#include <vector>

#include "absl/status/status.h"
#include "bridge/hub/schema.h"
#include "bridge/netlink/netlink_attributes.h"

namespace kchan::source {

// Reads the fields of one record type, those of its structures included.
//
// Hostile attributes cannot make it hold more than KCHAN_MAX_FIELDS fields, nor
// go deeper than KCHAN_MAX_STRUCT_DEPTH structures.
class SchemaFields {
 public:
  // `nest` is what KCHAN_TYPE_A_FIELD holds. INVALID_ARGUMENT: it cannot be
  // read; the message says what is wrong.
  absl::Status Add(const netlink::AttributeView& nest, std::vector<hub::Field>* fields) {
    return Add(nest, /*depth=*/0, fields);
  }

 private:
  absl::Status Add(const netlink::AttributeView& nest, int depth, std::vector<hub::Field>* fields);
  absl::Status ReadField(const netlink::AttributeView& attribute, int depth, hub::Field* field);

  int left_ = KCHAN_MAX_FIELDS;
};

// Whether every field of `type`, once all of it was read, can be decoded: it
// lies inside what it is a part of, is whole elements of its kind and the only
// one of its name. INVALID_ARGUMENT names the first that cannot.
absl::Status CheckFields(const hub::RecordType& type);

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_SCHEMA_FIELDS_H_
