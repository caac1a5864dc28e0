// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SERVICE_NOTIFY_H_
#define KCHAN_BRIDGE_SERVICE_NOTIFY_H_

#include <string_view>

namespace kchan {

// Tells the service manager, if one waits for it, as sd_notify(3): "READY=1".
// One datagram; not worth a library.
void NotifyServiceManager(std::string_view state);

// The state of a service that reads its configuration again.
void NotifyReloading();

}  // namespace kchan

#endif  // KCHAN_BRIDGE_SERVICE_NOTIFY_H_
