# SPDX-License-Identifier: Apache-2.0

kchan_add_fuzzer(source_netlink
  SOURCES source_netlink_fuzzer.cc
  LIBRARIES kchan::source
  RUNS 50000)

kchan_add_fuzzer(source_frame
  SOURCES source_frame_fuzzer.cc
  LIBRARIES kchan::source
  RUNS 50000)

kchan_add_fuzzer(source_host
  SOURCES source_host_fuzzer.cc
  LIBRARIES kchan::source
  RUNS 50000)
