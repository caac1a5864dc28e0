# SPDX-License-Identifier: Apache-2.0

kchan_add_benchmark(ring
  SOURCES ring_bench.cc
  LIBRARIES kchan::user_ring kchan::ring_core)
