# SPDX-License-Identifier: Apache-2.0
# System packages only; scripts/install-deps installs them.

find_package(PkgConfig REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(yaml-cpp CONFIG REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(libnl REQUIRED IMPORTED_TARGET libnl-3.0 libnl-genl-3.0)

if(KCHAN_WITH_GRPC)
  # Debian 12 has no CONFIG file for protobuf; newer protobuf needs its own,
  # which also brings the abseil libraries that generated code then uses.
  find_package(Protobuf CONFIG QUIET)
  if(NOT Protobuf_FOUND)
    find_package(Protobuf MODULE REQUIRED)
  endif()
  find_package(gRPC CONFIG REQUIRED)
  find_package(prometheus-cpp CONFIG REQUIRED)
  find_package(OpenSSL REQUIRED)  # gRPC needs it too

  # gRPC's server credentials are made in another way since they hold those of C core.
  include(CheckCXXSourceCompiles)
  set(CMAKE_REQUIRED_LIBRARIES gRPC::grpc++)
  check_cxx_source_compiles("
    #include <grpcpp/security/server_credentials.h>
    struct Credentials : grpc::ServerCredentials {
      explicit Credentials(grpc_server_credentials* core) : grpc::ServerCredentials(core) {}
    };
    int main() { Credentials credentials(nullptr); }
    " KCHAN_GRPC_CREDENTIALS_HOLD_CORE)
  unset(CMAKE_REQUIRED_LIBRARIES)
  if(KCHAN_GRPC_CREDENTIALS_HOLD_CORE)
    set(KCHAN_GRPC_DEFINITIONS KCHAN_GRPC_CREDENTIALS_HOLD_CORE)
  endif()
endif()

if(KCHAN_BUILD_TESTS)
  find_package(GTest CONFIG REQUIRED)
endif()
if(KCHAN_BUILD_BENCH)
  find_package(benchmark CONFIG REQUIRED)
endif()
