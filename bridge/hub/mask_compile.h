// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_MASK_COMPILE_H_
#define KCHAN_BRIDGE_HUB_MASK_COMPILE_H_

#include <memory>
#include <string>
#include <vector>

#include "bridge/hub/mask_program.h"
#include "bridge/hub/schema.h"

namespace kchan::hub {

// The names that a path has between its dots.
using MaskPath = std::vector<std::string>;

struct CompiledMask {
  // What is left of the schema, as a schema of its own: with the record types
  // that come from the kernel, of each the fields that the mask leaves, without
  // padding.
  std::shared_ptr<const Schema> schema;
  std::shared_ptr<const MaskProgram> program;
  std::vector<bool> matched;  // by path: whether the schema has it
};

// In a record type a path is that of a field, `a` or `a.b`; where there is none,
// the type's name, alone or with a field's path behind it. `record`, alone or with
// a field of the header, matches always and leaves nothing.
//
// A type whose payloads cannot be cut to pieces keeps its layout, and has fewer
// fields: fields that overlap or are not in order, bytes to the payload's end
// beside LOC fields, kinds that this daemon does not know, thousands of pieces.
CompiledMask CompileMask(const std::vector<MaskPath>& paths, const Schema& schema);

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_MASK_COMPILE_H_
