# SPDX-License-Identifier: Apache-2.0

if(TARGET kchan::kchan)
  kchan_add_benchmark(client SOURCES client_bench.cc LIBRARIES kchan::kchan)
endif()
