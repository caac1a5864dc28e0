# SPDX-License-Identifier: Apache-2.0
# cmake -P: install into WORK_DIR/prefix, configure and build SOURCE_DIR against
# it, run the program. From an empty folder each time, so that nothing old is
# found.

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE err)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${ARGN} returned ${code}\n${out}\n${err}")
  endif()
endfunction()

file(REMOVE_RECURSE "${WORK_DIR}")
run(${CMAKE_COMMAND} --install "${BUILD_DIR}" --prefix "${WORK_DIR}/prefix" --component kchan_client)
run(${CMAKE_COMMAND} -S "${SOURCE_DIR}" -B "${WORK_DIR}/build" -G Ninja
  "-DCMAKE_PREFIX_PATH=${WORK_DIR}/prefix"
  "-DCMAKE_CXX_COMPILER=${CXX_COMPILER}"
  "-DCMAKE_CXX_COMPILER_LAUNCHER=${COMPILER_LAUNCHER}")
run(${CMAKE_COMMAND} --build "${WORK_DIR}/build")

# It runs, and says that nobody listens there.
execute_process(COMMAND "${WORK_DIR}/build/last_records" "unix:${WORK_DIR}/none.sock" tick
  RESULT_VARIABLE code ERROR_VARIABLE err)
if(NOT code EQUAL 1 OR NOT err MATCHES "UNAVAILABLE")
  message(FATAL_ERROR "last_records returned ${code}: ${err}")
endif()
