# SPDX-License-Identifier: Apache-2.0
# What an outside project finds with find_package(kchan): the target
# kchan::kchan, and the protocol as kchan::proto. tests/consumer is one. For other
# build systems there is kchan.pc, which may be moved together with the library.

include(CMakePackageConfigHelpers)
set(kchan_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/kchan")

set_target_properties(kchan_proto PROPERTIES EXPORT_NAME proto)
install(TARGETS kchan kchan_proto
  EXPORT kchanTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT kchan_client
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT kchan_client)
install(EXPORT kchanTargets
  NAMESPACE kchan::
  DESTINATION "${kchan_package_dir}"
  COMPONENT kchan_client)

install(DIRECTORY include/kchan
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  COMPONENT kchan_client)
get_target_property(kchan_proto_dir kchan_proto BINARY_DIR)
install(DIRECTORY "${kchan_proto_dir}/kchan" "${kchan_proto_dir}/google"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  COMPONENT kchan_client
  FILES_MATCHING
    PATTERN "*.pb.h"
    PATTERN "config" EXCLUDE)
# For authors of clients in other languages.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/proto/kchan/v1"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/kchan/proto/kchan"
  COMPONENT kchan_client
  FILES_MATCHING PATTERN "*.proto")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/proto/google/rpc"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/kchan/proto/google"
  COMPONENT kchan_client
  FILES_MATCHING PATTERN "*.proto")

configure_package_config_file(kchanConfig.cmake.in kchanConfig.cmake
  INSTALL_DESTINATION "${kchan_package_dir}")
# Before 1.0 a minor version may break its users.
write_basic_package_version_file(kchanConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  "${CMAKE_CURRENT_BINARY_DIR}/kchanConfig.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/kchanConfigVersion.cmake"
  DESTINATION "${kchan_package_dir}"
  COMPONENT kchan_client)

file(RELATIVE_PATH include_from_lib "${CMAKE_INSTALL_FULL_LIBDIR}" "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
configure_file(kchan.pc.in kchan.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/kchan.pc"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig"
  COMPONENT kchan_client)
