# SPDX-License-Identifier: Apache-2.0

kchan_add_fuzzer(hub_element
  SOURCES hub_element_fuzzer.cc
  LIBRARIES kchan::hub)
kchan_add_fuzzer(hub_filter
  SOURCES hub_filter_fuzzer.cc
  LIBRARIES kchan::log_testing)
kchan_add_fuzzer(hub_glob
  SOURCES hub_glob_fuzzer.cc
  LIBRARIES kchan::hub)
kchan_add_fuzzer(hub_mask
  SOURCES hub_mask_fuzzer.cc
  LIBRARIES kchan::log_testing)
kchan_add_fuzzer(hub_log
  SOURCES hub_log_fuzzer.cc
  LIBRARIES kchan::log_testing
  RUNS 3000)
