// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/path/credentials.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "grpcpp/create_channel.h"
#include "grpcpp/support/channel_arguments.h"

namespace kchan::bench {
namespace {

std::string ReadFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::string CertificateOf(const Setup& setup) { return ReadFile(setup.tls_folder + "/cert.pem"); }

}  // namespace

void MakeCertificate(const std::string& folder) {
  const std::string command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj "
      "/CN=localhost -addext subjectAltName=DNS:localhost -keyout " +
      folder + "/key.pem -out " + folder + "/cert.pem 2>/dev/null";
  if (std::system(command.c_str()) != 0) {
    std::fprintf(stderr, "openssl cannot make a certificate: is it installed?\n");
    std::exit(1);
  }
}

std::string AddressOf(const Setup& setup) { return "localhost:" + std::to_string(setup.port); }

std::shared_ptr<grpc::ServerCredentials> ServerCredentialsOf(const Setup& setup) {
  if (setup.tls_folder.empty()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back(
      {ReadFile(setup.tls_folder + "/key.pem"), CertificateOf(setup)});
  return grpc::SslServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> ChannelCredentialsOf(const Setup& setup) {
  if (setup.tls_folder.empty()) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = CertificateOf(setup);
  return grpc::SslCredentials(options);
}

std::shared_ptr<grpc::Channel> OwnChannel(const Setup& setup) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(AddressOf(setup), ChannelCredentialsOf(setup), arguments);
}

}  // namespace kchan::bench
