// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SOURCE_HOST_OPTIONS_H_
#define KCHAN_BRIDGE_SOURCE_HOST_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

// Which channels there are that need no module. Their configuration has been
// checked by who fills these in.
namespace kchan::source {

struct KernelLogOptions {
  bool publish = false;  // whether clients with the control right may write lines
  std::string path = "/dev/kmsg";
};

// A file of sysfs or procfs as a value.
struct ValueFileOptions {
  std::string name;
  std::string path;  // absolute, as CheckValuePath() wants it
  std::string documentation = {};
  bool writable = false;
  // How often it is read while it is watched; zero: only when the kernel
  // announces a change.
  absl::Duration sample_interval = absl::Seconds(1);
};

enum class PsiKind : uint8_t { kSome, kFull };

// A trigger of pressure stall information.
struct PsiTriggerOptions {
  std::string name;
  std::string path;  // "/proc/pressure/memory"
  PsiKind kind = PsiKind::kSome;
  absl::Duration stall;  // within
  absl::Duration window;
};

struct HostOptions {
  std::optional<KernelLogOptions> kernel_log = std::nullopt;  // absent: no such channel
  bool uevents = false;
  int uevent_receive_bytes = 4 << 20;  // room for uevents that are not read yet
  std::vector<ValueFileOptions> value_files = {};
  std::vector<PsiTriggerOptions> psi_triggers = {};
};

}  // namespace kchan::source

#endif  // KCHAN_BRIDGE_SOURCE_HOST_OPTIONS_H_
