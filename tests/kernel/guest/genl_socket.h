// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_KERNEL_GUEST_GENL_SOCKET_H_
#define KCHAN_TESTS_KERNEL_GUEST_GENL_SOCKET_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kchan::guest {

// Attributes of a request, in netlink's encoding.
class Attributes {
 public:
  Attributes& U16(uint16_t type, uint16_t value) { return Put(type, &value, sizeof(value)); }
  Attributes& U32(uint16_t type, uint32_t value) { return Put(type, &value, sizeof(value)); }
  Attributes& U64(uint16_t type, uint64_t value) { return Put(type, &value, sizeof(value)); }
  Attributes& String(uint16_t type, const std::string& value) {
    return Put(type, value.c_str(), value.size() + 1);
  }
  Attributes& Nest(uint16_t type, const Attributes& inner);
  Attributes& Put(uint16_t type, const void* bytes, size_t size);

  static Attributes FromBytes(std::string bytes) {
    Attributes attributes;
    attributes.bytes_ = std::move(bytes);
    return attributes;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// One parsed level of attributes; of a type that repeats, all.
class Parsed {
 public:
  Parsed() = default;
  explicit Parsed(std::string_view bytes);

  bool Has(uint16_t type) const { return values_.contains(type); }
  size_t Count(uint16_t type) const { return values_.count(type); }
  uint16_t U16(uint16_t type) const { return Get<uint16_t>(type); }
  uint32_t U32(uint16_t type) const { return Get<uint32_t>(type); }
  uint64_t U64(uint16_t type) const { return Get<uint64_t>(type); }
  std::string String(uint16_t type) const { return Bytes(type).c_str(); }
  // Empty if there is none.
  std::string Bytes(uint16_t type) const;
  std::vector<Parsed> Nests(uint16_t type) const;

 private:
  template <typename T>
  T Get(uint16_t type) const {
    T value{};
    const std::string bytes = Bytes(type);
    if (bytes.size() == sizeof(value)) std::memcpy(&value, bytes.data(), sizeof(value));
    return value;
  }

  std::multimap<uint16_t, std::string> values_;
};

struct Message {
  uint8_t command = 0;
  uint16_t flags = 0;
  Parsed attributes;
};

// How the kernel answered a request.
struct Answer {
  int error = 0;               // positive errno; 0: done
  std::string text;            // of the extended ACK
  uint16_t bad_attribute = 0;  // the type of the attribute that it points at
  uint16_t missing_attribute = 0;
  bool interrupted = false;  // NLM_F_DUMP_INTR on any message
  std::vector<Message> messages;
};

// A generic-netlink socket that speaks to the family "kchan". Fails its
// program by std::abort() where the machine itself is broken.
//
// Thread safety: none. Lifetime: closes the socket.
class GenlSocket {
 public:
  // Its receive buffer holds about this many bytes, as far as it is allowed to.
  explicit GenlSocket(int receive_bytes = 16 << 20);
  ~GenlSocket();
  GenlSocket(const GenlSocket&) = delete;
  GenlSocket& operator=(const GenlSocket&) = delete;

  // Sends and waits for the ACK. Multicast messages that come in between are
  // kept for Receive().
  Answer Do(uint8_t command, const Attributes& attributes = {});
  Answer Dump(uint8_t command, const Attributes& attributes = {});

  // The two halves of Dump().
  void Send(uint8_t command, uint16_t flags, const Attributes& attributes);
  Answer Finish();

  // Joins a multicast group of the family. A positive errno or 0.
  int Join(const std::string& group);

  // The next multicast message that `wanted` accepts; others are dropped.
  // False: none came in time. What did not fit in the buffer is counted in
  // overruns().
  bool Receive(const std::function<bool(const Message&)>& wanted, Message* message,
               int timeout_ms = 10'000);

  int overruns() const { return overruns_; }

 private:
  bool ReadDatagram(int timeout_ms);
  void ParseAck(std::string_view payload, uint16_t flags, Answer* answer) const;

  int fd_ = -1;
  int overruns_ = 0;
  uint32_t sequence_ = 0;
  uint16_t family_ = 0;
  std::map<std::string, uint32_t> groups_;
  std::string request_;
  std::vector<Message> multicast_;
  bool finished_ = false;
  Answer answer_;
};

}  // namespace kchan::guest

#endif  // KCHAN_TESTS_KERNEL_GUEST_GENL_SOCKET_H_
