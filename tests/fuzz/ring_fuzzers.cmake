# SPDX-License-Identifier: Apache-2.0

kchan_add_fuzzer(ring_reader
  SOURCES ring_reader_fuzzer.cc
  LIBRARIES kchan::user_ring kchan::ring_core)
kchan_add_fuzzer(ring_writer
  SOURCES ring_writer_fuzzer.cc
  LIBRARIES kchan::user_ring kchan::ring_core)
