# SPDX-License-Identifier: Apache-2.0
# kchan_flags: how our own code is compiled. Every target of ours links it
# privately; generated code and what we install do not inherit it.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_package(Threads REQUIRED)

add_library(kchan_flags INTERFACE)
add_library(kchan::flags ALIAS kchan_flags)

target_compile_options(kchan_flags INTERFACE
  -Wall
  -Wextra
  -Wshadow
  -Wundef
  -Wimplicit-fallthrough
  -fstack-protector-strong
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
  $<$<BOOL:${KCHAN_WERROR}>:-Werror>)

# Every translation unit of a build must agree on the sanitizer, generated
# code too, so these flags are the directory's and not kchan_flags'.
if(KCHAN_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(KCHAN_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
endif()
if(KCHAN_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
