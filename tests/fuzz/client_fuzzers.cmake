# SPDX-License-Identifier: Apache-2.0

if(TARGET kchan::kchan)
  kchan_add_fuzzer(client_batch SOURCES client_batch_fuzzer.cc LIBRARIES kchan::kchan)
  kchan_add_fuzzer(client_schema SOURCES client_schema_fuzzer.cc LIBRARIES kchan::kchan)
endif()
