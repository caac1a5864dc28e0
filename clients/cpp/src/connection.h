// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CPP_SRC_CONNECTION_H_
#define KCHAN_CLIENTS_CPP_SRC_CONNECTION_H_

#include <grpcpp/channel.h>

#include <memory>

#include "absl/status/status.h"
#include "kchan/client.h"

namespace kchan {

// INVALID_ARGUMENT names the option and what it may be.
absl::Status CheckOptions(const ClientOptions& options);

// A channel with the settings that both ends of kchan agree on.
std::shared_ptr<grpc::Channel> NewGrpcChannel(const ClientOptions& options);

}  // namespace kchan

#endif  // KCHAN_CLIENTS_CPP_SRC_CONNECTION_H_
