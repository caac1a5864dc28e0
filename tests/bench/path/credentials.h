// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_BENCH_PATH_CREDENTIALS_H_
#define KCHAN_TESTS_BENCH_PATH_CREDENTIALS_H_

#include <memory>
#include <string>

#include "grpcpp/channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "tests/bench/path/method.h"

namespace kchan::bench {

// Makes cert.pem and key.pem of "localhost" in a folder, with openssl.
void MakeCertificate(const std::string& folder);

// "localhost:PORT".
std::string AddressOf(const Setup& setup);
std::shared_ptr<grpc::ServerCredentials> ServerCredentialsOf(const Setup& setup);
std::shared_ptr<grpc::ChannelCredentials> ChannelCredentialsOf(const Setup& setup);
// With a connection that no other channel of this process shares.
std::shared_ptr<grpc::Channel> OwnChannel(const Setup& setup);

}  // namespace kchan::bench

#endif  // KCHAN_TESTS_BENCH_PATH_CREDENTIALS_H_
