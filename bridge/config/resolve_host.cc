// SPDX-License-Identifier: Apache-2.0
#include "bridge/config/resolve_host.h"

#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "bridge/config/field.h"
#include "bridge/source/kernel_messages.h"
#include "bridge/source/value_path.h"

namespace kchan::config {
namespace {

// Names of channels, each once.
class Names {
 public:
  absl::Status Take(const std::string& field, const std::string& name) {
    if (!source::IsChannelName(name)) {
      return Bad(field, absl::StrCat("'", name,
                                     "' is no channel's name: [a-z0-9_.-], a letter "
                                     "first, at most 63"));
    }
    if (!taken_.insert(name).second) {
      return Bad(field, absl::StrCat("there is another channel '", name, "' already"));
    }
    return absl::OkStatus();
  }

 private:
  std::set<std::string> taken_{"kmsg", "uevent"};
};

absl::StatusOr<source::ValueFileOptions> ToValueFile(const std::string& field,
                                                     const v1::ValueFile& from, Names& names) {
  if (absl::Status status = names.Take(field + ".name", from.name()); !status.ok()) return status;
  const auto transport = source::ValueTransport(from.path());
  if (!transport.ok()) return Bad(field + ".path", std::string(transport.status().message()));
  uint32_t sample_ms = 1000;
  const bool is_sampled = !from.has_sample_interval_ms() || from.sample_interval_ms() != 0;
  absl::Status status =
      Number(field + ".sample_interval_ms", is_sampled && from.has_sample_interval_ms(),
             from.sample_interval_ms(), 10, 3600 * 1000, sample_ms);
  if (!status.ok()) return status;
  return source::ValueFileOptions{
      .name = from.name(),
      .path = from.path(),
      .documentation = from.documentation(),
      .writable = from.writable(),
      .sample_interval = is_sampled ? absl::Milliseconds(sample_ms) : absl::ZeroDuration(),
  };
}

absl::StatusOr<source::PsiTriggerOptions> ToPsiTrigger(const std::string& field,
                                                       const v1::PsiTrigger& from, Names& names) {
  if (absl::Status status = names.Take(field + ".name", from.name()); !status.ok()) return status;
  if (!from.path().starts_with("/proc/pressure/")) {
    return Bad(field + ".path",
               absl::StrCat("'", from.path(), "' is not a file of /proc/pressure"));
  }
  const auto transport = source::ValueTransport(from.path());
  if (!transport.ok()) return Bad(field + ".path", std::string(transport.status().message()));
  if (from.kind() < 0 || from.kind() > v1::PSI_KIND_FULL) {
    return Bad(field + ".kind", "must be PSI_KIND_SOME or PSI_KIND_FULL");
  }
  uint32_t stall_us = 0;
  uint32_t window_us = 0;
  absl::Status status =
      Number(field + ".window_us", true, from.window_us(), 500'000, 10'000'000, window_us);
  status.Update(Number(field + ".stall_us", true, from.stall_us(), 1, from.window_us(), stall_us));
  if (!status.ok()) return status;
  return source::PsiTriggerOptions{
      .name = from.name(),
      .path = from.path(),
      .kind = from.kind() == v1::PSI_KIND_FULL ? source::PsiKind::kFull : source::PsiKind::kSome,
      .stall = absl::Microseconds(stall_us),
      .window = absl::Microseconds(window_us),
  };
}

}  // namespace

absl::StatusOr<source::HostOptions> ResolveHost(const v1::Config& from) {
  source::HostOptions to;
  if (!from.kernel_log().disabled()) {
    to.kernel_log = source::KernelLogOptions{.publish = from.kernel_log().publish()};
  }
  to.uevents = !from.uevents().disabled();
  Names names;
  for (int i = 0; i < from.value_files_size(); ++i) {
    auto file = ToValueFile(absl::StrCat("value_files[", i, "]"), from.value_files(i), names);
    if (!file.ok()) return file.status();
    to.value_files.push_back(*std::move(file));
  }
  for (int i = 0; i < from.psi_triggers_size(); ++i) {
    auto trigger = ToPsiTrigger(absl::StrCat("psi_triggers[", i, "]"), from.psi_triggers(i), names);
    if (!trigger.ok()) return trigger.status();
    to.psi_triggers.push_back(*std::move(trigger));
  }
  return to;
}

}  // namespace kchan::config
