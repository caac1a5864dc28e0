# SPDX-License-Identifier: Apache-2.0
# The programs that test_guest_programs.py runs in a guest.

add_library(kchan_guest_netlink STATIC guest/genl_socket.cc)
target_include_directories(kchan_guest_netlink PUBLIC guest)
target_link_libraries(kchan_guest_netlink PRIVATE kchan_flags PUBLIC kchan::uapi)

kchan_add_guest_test(device
  SOURCES
    guest/device_guest_test.cc
    guest/device_forgery_guest_test.cc
    guest/device_mapping_guest_test.cc
    guest/device_lifetime_guest_test.cc
  LIBRARIES kchan_guest_netlink)

kchan_add_guest_test(genl
  SOURCES
    guest/genl_guest_test.cc
    guest/genl_records_guest_test.cc
    guest/genl_send_guest_test.cc
  LIBRARIES kchan_guest_netlink)

kchan_add_guest_test(source
  SOURCES guest/source_guest_test.cc ../unit/hub/log_testing.cc
  LIBRARIES kchan_guest_netlink kchan::source)

kchan_add_guest_test(relay
  SOURCES guest/relay_guest_test.cc
  LIBRARIES kchan_guest_netlink)

kchan_add_guest_test(doorbell
  SOURCES guest/doorbell_guest_test.cc
  LIBRARIES kchan_guest_netlink)

kchan_add_guest_test(chardev
  SOURCES
    guest/chardev_guest_test.cc
    guest/chardev_loss_guest_test.cc
    guest/chardev_wait_guest_test.cc
  LIBRARIES kchan_guest_netlink)

kchan_add_guest_test(value
  SOURCES guest/value_guest_test.cc guest/value_load_guest_test.cc
  LIBRARIES kchan_guest_netlink)

kchan_add_guest_test(block SOURCES guest/block_guest_test.cc LIBRARIES kchan_guest_netlink)

kchan_add_guest_test(log
  SOURCES guest/log_guest_test.cc
  LIBRARIES kchan_guest_netlink)

kchan_add_guest_test(file
  SOURCES
    guest/file_guest_test.cc
    guest/file_failure_guest_test.cc
    guest/file_keep_guest_test.cc
    guest/file_commands_guest_test.cc
  LIBRARIES kchan_guest_netlink)

kchan_add_guest_test(signal SOURCES guest/signal_guest_test.cc LIBRARIES kchan_guest_netlink)

kchan_add_guest_test(stress SOURCES guest/stress_guest_test.cc LIBRARIES kchan_guest_netlink)
