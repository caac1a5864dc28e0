# SPDX-License-Identifier: Apache-2.0

kchan_add_benchmark(hub SOURCES hub_bench.cc LIBRARIES kchan::hub)
