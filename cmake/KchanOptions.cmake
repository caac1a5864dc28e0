# SPDX-License-Identifier: Apache-2.0
# What a build may be asked for.

option(KCHAN_BUILD_TESTS "Build the tests" ON)
option(KCHAN_BUILD_BENCH "Build the benchmarks" OFF)
option(KCHAN_FUZZ "Build the libFuzzer targets (needs clang)" OFF)
option(KCHAN_WERROR "Treat warnings as errors" OFF)

set(KCHAN_SANITIZE "" CACHE STRING "Sanitizer: empty, address (with UBSan) or thread")
set_property(CACHE KCHAN_SANITIZE PROPERTY STRINGS "" address thread)
if(NOT KCHAN_SANITIZE MATCHES "^(|address|thread)$")
  message(FATAL_ERROR "KCHAN_SANITIZE is '${KCHAN_SANITIZE}': use address, thread or nothing")
endif()

if(KCHAN_FUZZ AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "KCHAN_FUZZ needs clang: configure with -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++")
endif()

# ThreadSanitizer must see every synchronisation. The distribution's gRPC and
# abseil are built without it, so everything that uses them would report
# races that are none: such a build holds the hub and the ring core only.
if(KCHAN_SANITIZE STREQUAL "thread")
  set(KCHAN_WITH_GRPC OFF)
else()
  set(KCHAN_WITH_GRPC ON)
endif()

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()

# What is in this folder is named relatively, so that every checkout of it
# finds what another has compiled.
find_program(KCHAN_CCACHE ccache)
if(KCHAN_CCACHE)
  set(kchan_launcher ${CMAKE_COMMAND} -E env
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${KCHAN_CCACHE})
  foreach(language C CXX)
    if(NOT CMAKE_${language}_COMPILER_LAUNCHER)
      set(CMAKE_${language}_COMPILER_LAUNCHER "${kchan_launcher}")
    endif()
  endforeach()
endif()
