# SPDX-License-Identifier: Apache-2.0

kchan_add_benchmark(hub SOURCES hub_bench.cc LIBRARIES kchan::hub)
kchan_add_benchmark(filter SOURCES filter_bench.cc LIBRARIES kchan::hub kchan::rpc)
