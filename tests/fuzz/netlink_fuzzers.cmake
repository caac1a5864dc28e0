# SPDX-License-Identifier: Apache-2.0

if(TARGET kchan::netlink_testing)
  kchan_add_fuzzer(netlink_spec
    SOURCES netlink_spec_fuzzer.cc
    LIBRARIES kchan::netlink_spec
    RUNS 5000)
  kchan_add_fuzzer(netlink_decode
    SOURCES netlink_decode_fuzzer.cc
    LIBRARIES kchan::netlink_testing)
  kchan_add_fuzzer(netlink_encode
    SOURCES netlink_encode_fuzzer.cc
    LIBRARIES kchan::netlink_testing)
endif()
