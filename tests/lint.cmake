# SPDX-License-Identifier: Apache-2.0
# The source's form, checked like everything else.

foreach(check IN ITEMS format shell python docs checkpatch sparse proto)
  add_test(NAME lint.${check} COMMAND "${PROJECT_SOURCE_DIR}/scripts/lint" ${check})
  set_tests_properties(lint.${check} PROPERTIES LABELS lint TIMEOUT 600
    SKIP_RETURN_CODE 77)
endforeach()
