# SPDX-License-Identifier: Apache-2.0

if(TARGET kchan::netlink_testing)
  kchan_add_benchmark(netlink SOURCES netlink_bench.cc LIBRARIES kchan::netlink_testing)
endif()
