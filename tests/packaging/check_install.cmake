# SPDX-License-Identifier: Apache-2.0
# cmake -P: install BUILD_DIR (of SOURCE_DIR, VERSION) into an empty WORK_DIR, as a
# packager does; what is needed is where it belongs and fits together.

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE err)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${ARGN} returned ${code}\n${out}\n${err}")
  endif()
endfunction()

function(install_all)
  run(${CMAKE_COMMAND} -E env "DESTDIR=${WORK_DIR}" ${CMAKE_COMMAND} --install "${BUILD_DIR}")
endfunction()

# Whatever is released has one version.
foreach(place IN ITEMS kmod/version.h kmod/dkms.conf deploy/debian/changelog
    deploy/container/Dockerfile clients/python/src/kchan/_version.py)
  file(STRINGS "${SOURCE_DIR}/${place}" found LIMIT_COUNT 1 REGEX "(VERSION|^kchan).*[0-9]+\\.[0-9]+")
  string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" found "${found}")
  if(NOT found STREQUAL VERSION)
    message(FATAL_ERROR "${place} is of version '${found}', CMakeLists.txt of ${VERSION}")
  endif()
endforeach()

# The Debian package is built with the libraries that the build has.
file(READ "${SOURCE_DIR}/scripts/packages.txt" packages)
string(REGEX MATCH "# Libraries[^\n]*\n.*\n# Tests" packages "${packages}")
string(REGEX MATCHALL "\n[a-z0-9+-]+" packages "${packages}")
list(LENGTH packages count)
file(READ "${SOURCE_DIR}/deploy/debian/control" control)
foreach(package IN LISTS packages)
  string(STRIP "${package}" package)
  string(FIND "${control}" "\n ${package},\n" place)
  if(place EQUAL -1)
    message(FATAL_ERROR "deploy/debian/control: no build dependency on ${package} (scripts/packages.txt)")
  endif()
endforeach()
if(count LESS 10)
  message(FATAL_ERROR "scripts/packages.txt: its libraries are not found")
endif()

file(REMOVE_RECURSE "${WORK_DIR}")
run("${FETCH_SPECS}")
install_all()
set(prefix "${WORK_DIR}${PREFIX}")
set(config "${WORK_DIR}${SYSCONFDIR}/kchan/kchan.textproto")
foreach(file IN ITEMS
    "${WORK_DIR}${BINDIR}/kchand"
    "${WORK_DIR}${BINDIR}/kchan"
    "${WORK_DIR}${DOCDIR}/kchan.textproto"
    "${prefix}/lib/systemd/system/kchand.service"
    "${prefix}/lib/systemd/system/kchand-control.socket"
    "${prefix}/lib/systemd/system/kchand-read.socket"
    "${prefix}/lib/udev/rules.d/60-kchan.rules"
    "${prefix}/lib/sysusers.d/kchan.conf"
    "${WORK_DIR}${DATADIR}/kchan/netlink-specs/ethtool.yaml"
    "${WORK_DIR}${DATADIR}/bash-completion/completions/kchan"
    "${WORK_DIR}${DATADIR}/zsh/site-functions/_kchan"
    "${WORK_DIR}${DATADIR}/fish/vendor_completions.d/kchan.fish"
    "${config}")
  if(NOT EXISTS "${file}")
    message(FATAL_ERROR "${file} was not installed")
  endif()
endforeach()

# kchand looks for the specifications where they are.
file(STRINGS "${WORK_DIR}${BINDIR}/kchand" folder REGEX "${DATADIR}/kchan/netlink-specs$")
if(NOT folder)
  message(FATAL_ERROR "kchand does not look for netlink specs in ${DATADIR}/kchan")
endif()

# What the service runs is there, and takes the configuration that it names.
file(STRINGS "${prefix}/lib/systemd/system/kchand.service" start REGEX "^ExecStart=")
string(REGEX MATCH "^ExecStart=([^ ]+) --config ([^ ]+)$" start "${start}")
if(NOT start)
  message(FATAL_ERROR "kchand.service has no ExecStart of the form PROGRAM --config FILE")
endif()
run("${WORK_DIR}${CMAKE_MATCH_1}" --config "${WORK_DIR}${CMAKE_MATCH_2}" --check-config)

# systemd takes every line of the units, and its sandbox gets no weaker: exposure, in
# tenths. What verify complains of does not make it fail.
find_program(SYSTEMD_ANALYZE systemd-analyze REQUIRED)
file(READ "${prefix}/lib/systemd/system/kchand.service" unit)
string(REPLACE "${BINDIR}/" "${WORK_DIR}${BINDIR}/" unit "${unit}")
file(WRITE "${WORK_DIR}/kchand.service" "${unit}")
set(units kchand.service kchand-control.socket kchand-read.socket)
file(COPY "${prefix}/lib/systemd/system/kchand-control.socket"
  "${prefix}/lib/systemd/system/kchand-read.socket" DESTINATION "${WORK_DIR}")
list(TRANSFORM units PREPEND "${WORK_DIR}/")
execute_process(
  COMMAND ${SYSTEMD_ANALYZE} verify --man=no ${units}
  RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE err)
if(NOT code EQUAL 0 OR NOT "${out}${err}" STREQUAL "")
  message(FATAL_ERROR "systemd-analyze verify ${units} returned ${code}\n${out}${err}")
endif()
run(${SYSTEMD_ANALYZE} security --no-pager --offline=true --threshold=27
  "${WORK_DIR}/kchand.service")

# What an operator has written survives the next installation.
file(WRITE "${config}" "# mine\n")
install_all()
file(READ "${config}" text)
if(NOT text STREQUAL "# mine\n")
  message(FATAL_ERROR "${config} was overwritten")
endif()
