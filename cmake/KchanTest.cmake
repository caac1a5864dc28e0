# SPDX-License-Identifier: Apache-2.0

include(GoogleTest)

# Tests of a sanitizer build are told apart in one summary by their names.
set(kchan_test_prefix_address "asan.")
set(kchan_test_prefix_thread "tsan.")
set(KCHAN_TEST_PREFIX "${kchan_test_prefix_${KCHAN_SANITIZE}}")

# kchan_add_gtest(<name> LABEL <label> SOURCES <file>... [LIBRARIES <lib>...]
#                 [TIMEOUT <seconds>])
#
# One GoogleTest executable, each of its tests known to CTest by name.
function(kchan_add_gtest name)
  cmake_parse_arguments(arg "" "LABEL;TIMEOUT" "SOURCES;LIBRARIES" ${ARGN})
  if(NOT arg_LABEL OR NOT arg_SOURCES OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "kchan_add_gtest(${name}): wants LABEL and SOURCES, got '${ARGN}'")
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()

  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE kchan_flags ${arg_LIBRARIES} GTest::gtest_main)
  # The discovery runs each executable once, at test time: building runs
  # nothing.
  gtest_discover_tests(${name}
    TEST_PREFIX "${KCHAN_TEST_PREFIX}"
    DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT})
endfunction()
