# SPDX-License-Identifier: Apache-2.0

kchan_add_benchmark(spool SOURCES spool_bench.cc LIBRARIES kchan::spool)
