// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_KERNEL_GUEST_MAPPED_RING_H_
#define KCHAN_TESTS_KERNEL_GUEST_MAPPED_RING_H_

#include <linux/kchan.h>

#include <cstdint>
#include <memory>
#include <string>

#include "ring_file.h"

namespace kchan::guest {

// A ring that is attached and mapped.
struct Reader {
  explicit Reader(const std::string& channel, uint32_t cpu = KCHAN_CPU_SHARED) {
    error = file.Attach(channel, cpu);
    if (error != 0) return;
    consumer_page =
        std::make_unique<Mapping>(file.fd(), KCHAN_PAGE_CONSUMER, 1, PROT_READ | PROT_WRITE);
    rest = std::make_unique<Mapping>(file.fd(), KCHAN_PAGE_PRODUCER, 2 + 2 * file.data_pages(),
                                     PROT_READ);
  }

  volatile kchan_consumer_page& consumer() const {
    return *reinterpret_cast<kchan_consumer_page*>(consumer_page->at());
  }
  const volatile kchan_producer_page& producer() const {
    return *reinterpret_cast<const kchan_producer_page*>(rest->at());
  }
  const volatile kchan_info_page& info() const {
    return *reinterpret_cast<const kchan_info_page*>(rest->at(Mapping::PageBytes()));
  }
  const char* data() const { return rest->at(2 * Mapping::PageBytes()); }

  RingFile file;
  int error;
  std::unique_ptr<Mapping> consumer_page;
  std::unique_ptr<Mapping> rest;
};

}  // namespace kchan::guest

#endif  // KCHAN_TESTS_KERNEL_GUEST_MAPPED_RING_H_
