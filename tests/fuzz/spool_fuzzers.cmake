# SPDX-License-Identifier: Apache-2.0

kchan_add_fuzzer(spool_segment
  SOURCES spool_segment_fuzzer.cc
  LIBRARIES kchan::spool
  RUNS 20000)
kchan_add_fuzzer(spool_schema
  SOURCES spool_schema_fuzzer.cc
  LIBRARIES kchan::spool
  RUNS 20000)
