// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/channel_description.h"

namespace kchan::hub {

const char* VolumeName(Volume volume) {
  switch (volume) {
    case Volume::kValue:
      return "value";
    case Volume::kMessages:
      return "messages";
    case Volume::kStream:
      return "stream";
    case Volume::kBulk:
      return "bulk";
    case Volume::kUnspecified:
      break;
  }
  return "";
}

}  // namespace kchan::hub
