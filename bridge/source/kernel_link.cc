// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/kernel_link.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace kchan::source {

absl::StatusOr<std::unique_ptr<RecordSource>> ModuleLink::Attach(const ChannelMessage& channel,
                                                                 hub::ValueFeed& /*values*/) {
  const std::string& name = channel.description.name;
  switch (channel.transport) {
    case KCHAN_TRANSPORT_RING: {
      auto source = RingSource::Attach(loop_, rings_, name, channel.layout == KCHAN_LAYOUT_SHARED,
                                       RingPace());
      if (!source.ok()) return source.status();
      return std::unique_ptr<RecordSource>(*std::move(source));
    }
    case KCHAN_TRANSPORT_GENL:
      return records_.Enable(name, channel.id);
    default:
      return absl::UnimplementedError(
          absl::StrCat("channel ", name, ": this kchand does not know its transport (number ",
                       channel.transport, "): install a newer one"));
  }
}

}  // namespace kchan::source
