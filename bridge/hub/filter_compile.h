// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_FILTER_COMPILE_H_
#define KCHAN_BRIDGE_HUB_FILTER_COMPILE_H_

#include <string>
#include <vector>

#include "bridge/hub/filter_program.h"
#include "bridge/hub/filter_syntax.h"
#include "bridge/hub/schema.h"

namespace kchan::hub {

// What became of one comparison under one schema.
struct TermOutcome {
  bool has_field = false;    // a type that comes from the kernel has it
  bool fits = false;         // and it can be compared with that value
  std::string problem = {};  // if not: "takes .."
};

struct CompiledFilter {
  FilterProgram program;
  std::vector<TermOutcome> terms;
};

// Compiles for `schema`, or for none: then only the header's fields are there.
// A comparison that a record type cannot make is false there, and its negation
// too.
CompiledFilter CompileFilter(const FilterSyntax& syntax, const Schema* schema);

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_FILTER_COMPILE_H_
