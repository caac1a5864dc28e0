// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/filter.h"

#include <algorithm>
#include <utility>

#include "bridge/hub/schema_lookup.h"
#include "bridge/text/concat.h"

namespace kchan::hub {
namespace {

absl::Status NoField(const FilterTerm& term,
                     const std::vector<std::shared_ptr<const Schema>>& schemas) {
  if (term.path[0] == "record") {
    return FilterError(term.column,
                       text::Concat("no selected channel has a field `", PathText(term),
                                    "`; every record has record.sequence, record.cpu, "
                                    "record.type and record.boottime_ns"));
  }
  return FilterError(term.column, text::Concat("no selected channel has a field `", PathText(term),
                                               "`; there are: ", FieldNames(schemas)));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Filter>> Filter::Make(std::string_view text) {
  absl::StatusOr<FilterSyntax> syntax = ParseFilter(text);
  if (!syntax.ok()) return syntax.status();
  return std::shared_ptr<const Filter>(new Filter(*std::move(syntax)));
}

std::shared_ptr<const CompiledFilter> Filter::CompiledFor(const Schema* schema) const {
  return compiled_.Get(schema,
                       [this](const Schema* known) { return CompileFilter(syntax_, known); });
}

absl::Status Filter::Check(const std::vector<std::shared_ptr<const Schema>>& schemas) const {
  if (schemas.empty()) return absl::OkStatus();
  std::vector<std::shared_ptr<const CompiledFilter>> compiled;
  for (const auto& schema : schemas) compiled.push_back(CompiledFor(schema.get()));
  for (size_t i = 0; i < syntax_.terms.size(); ++i) {
    const FilterTerm& term = syntax_.terms[i];
    const auto any = [&](auto is_true) {
      return std::find_if(compiled.begin(), compiled.end(),
                          [&](const auto& each) { return is_true(each->terms[i]); });
    };
    if (any([](const TermOutcome& outcome) { return outcome.fits; }) != compiled.end()) continue;
    const auto unfit = any([](const TermOutcome& outcome) { return outcome.has_field; });
    if (unfit == compiled.end()) return NoField(term, schemas);
    return FilterError(term.value.column,
                       text::Concat("`", PathText(term), "` ", (*unfit)->terms[i].problem));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Filter>> FilterSet::Get(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return nullptr;
  return filters_.Get(text, Filter::Make);
}

}  // namespace kchan::hub
