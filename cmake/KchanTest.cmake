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
    NO_PRETTY_VALUES
    DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT})
endfunction()

# kchan_add_fuzzer(<name> SOURCES <file>... [LIBRARIES <lib>...] [RUNS <n>])
#
# A libFuzzer target, <name>_fuzzer, in builds with KCHAN_FUZZ; nothing in
# others. CTest runs it for RUNS inputs, starting from the folder
# corpus/<name> where there is one.
function(kchan_add_fuzzer name)
  if(NOT KCHAN_FUZZ)
    return()
  endif()
  cmake_parse_arguments(arg "" "RUNS" "SOURCES;LIBRARIES" ${ARGN})
  if(NOT arg_RUNS)
    set(arg_RUNS 20000)
  endif()
  set(target ${name}_fuzzer)
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE kchan_flags ${arg_LIBRARIES})
  target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  add_dependencies(kchan_fuzzers ${target})

  # New inputs go to the build folder, never into the tree.
  set(found "${CMAKE_CURRENT_BINARY_DIR}/found/${name}")
  file(MAKE_DIRECTORY "${found}")
  set(corpus "${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name}")
  if(NOT EXISTS "${corpus}")
    set(corpus)
  endif()
  add_test(NAME fuzz.${name}
    COMMAND ${target} -runs=${arg_RUNS} -seed=1 -print_final_stats=1
            -artifact_prefix=${CMAKE_CURRENT_BINARY_DIR}/ "${found}" ${corpus})
  set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 300)
endfunction()

# kchan_add_benchmark(<name> SOURCES <file>... [LIBRARIES <lib>...])
#
# A Google Benchmark program, <name>_bench, in builds with KCHAN_BUILD_BENCH.
# CTest only looks that it runs: figures come from scripts/bench.
function(kchan_add_benchmark name)
  if(NOT KCHAN_BUILD_BENCH)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
  set(target ${name}_bench)
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE kchan_flags ${arg_LIBRARIES} benchmark::benchmark_main)
  add_test(NAME bench.${name} COMMAND ${target} --benchmark_min_time=0.001)
  set_tests_properties(bench.${name} PROPERTIES LABELS bench TIMEOUT 120)
endfunction()

# kchan_add_pytest(<name> <file> LABEL <label> [TIMEOUT <seconds>] [ENVIRONMENT <VAR=value>...])
#
# One file of pytest's as one CTest. Its conftest.py takes --build-dir. Debian's
# python: the packages that tests want are its.
function(kchan_add_pytest name file)
  cmake_parse_arguments(arg "" "LABEL;TIMEOUT" "ENVIRONMENT" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  find_program(KCHAN_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
  add_test(NAME ${name}
    COMMAND "${KCHAN_PYTHON}" -m pytest -q -ra -p no:cacheprovider
            "${CMAKE_CURRENT_SOURCE_DIR}/${file}" "--build-dir=${PROJECT_BINARY_DIR}")
  set_tests_properties(${name} PROPERTIES
    LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT}
    ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1;${arg_ENVIRONMENT}")
endfunction()

if(KCHAN_FUZZ)
  add_custom_target(kchan_fuzzers)
endif()
