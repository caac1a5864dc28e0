# SPDX-License-Identifier: Apache-2.0

kchan_add_fuzzer(source_netlink
  SOURCES source_netlink_fuzzer.cc
  LIBRARIES kchan::source
  RUNS 50000)
