# SPDX-License-Identifier: Apache-2.0

include(GoogleTest)

# kchan_add_gtest(<name> LABELS <label>... SOURCES <file>... [LIBRARIES <lib>...]
#                 [TIMEOUT <seconds>])
#
# One GoogleTest executable, each of its tests known to CTest by name. Under a
# sanitizer build the labels also carry that sanitizer's name.
function(kchan_add_gtest name)
  cmake_parse_arguments(arg "" "TIMEOUT" "LABELS;SOURCES;LIBRARIES" ${ARGN})
  if(NOT arg_LABELS OR NOT arg_SOURCES OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "kchan_add_gtest(${name}): wants LABELS and SOURCES, got '${ARGN}'")
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  if(KCHAN_SANITIZE)
    list(APPEND arg_LABELS "${KCHAN_SANITIZE}")
  endif()

  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE kchan_flags ${arg_LIBRARIES} GTest::gtest_main)
  # The discovery runs each executable once, at test time, so that a build
  # for another machine or under a sanitizer does not run anything.
  gtest_discover_tests(${name}
    DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
endfunction()
