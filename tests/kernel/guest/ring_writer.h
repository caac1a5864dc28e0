// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_KERNEL_GUEST_RING_WRITER_H_
#define KCHAN_TESTS_KERNEL_GUEST_RING_WRITER_H_

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ring_file.h"
#include "testbed.h"

namespace kchan::guest {

// The channel of kmod/tests/kchan_testbed_doorbell.c.
constexpr uint16_t kNoteType = 1;
constexpr uint16_t kHoldType = 2;
constexpr uint16_t kTakenType = 3;

struct Taken {
  uint64_t number;
  uint32_t type;
  uint32_t length;
  uint32_t checksum;
};

// As the kernel's crc32_le(~0, ..).
inline uint32_t Checksum(const char* bytes, size_t size) {
  uint32_t sum = ~0u;
  for (size_t i = 0; i < size; i++) {
    sum ^= static_cast<uint8_t>(bytes[i]);
    for (int bit = 0; bit < 8; bit++) sum = sum >> 1 ^ (sum & 1 ? 0xedb88320u : 0);
  }
  return sum;
}

// A file that hands records to the kernel. Nothing is checked: tests are to see
// what the kernel does with it.
class RingWriter {
 public:
  struct Options {
    uint64_t data_bytes = 0;
    std::string channel = "test.doorbell";
    uint32_t cpu = KCHAN_CPU_SHARED;
  };
  struct Note {
    uint32_t refusal = 0;
    uint32_t payload_bytes = 12;  // number, refusal, then a pattern
    bool discard = false;
  };
  struct Header {
    uint32_t length = 0;
    uint16_t type = 0;
    uint16_t flags = 0;
    uint32_t claimed = 0;  // bytes that head is moved by; 0: what the length says
  };
  struct Ringing {
    uint64_t head = kOwnHead;
    uint32_t max_records = 1000;
    char* text = nullptr;
    bool bad_statuses = false;
  };

  RingWriter() : RingWriter(Options()) {}
  explicit RingWriter(Options options) : options_(std::move(options)) { error_ = Reopen(); }

  // A fresh area and position. A positive errno or 0.
  int Reopen() {
    auto file = std::make_unique<RingFile>();
    kchan_attach request = RingFile::Request(options_.channel, options_.cpu);
    request.role = KCHAN_ROLE_WRITER;
    request.data_bytes = options_.data_bytes;
    const int error = file->Attach(&request);
    if (error != 0) return error;
    data_bytes_ = request.data_bytes;
    head_ = tail_ = 0;
    const size_t pages = 2 * data_bytes_ / Mapping::PageBytes();
    auto mapping = std::make_unique<Mapping>(file->fd(), 0, pages, PROT_READ | PROT_WRITE);
    if (mapping->error() != 0) return mapping->error();
    // Where the old one was: somebody may be writing there.
    if (mapping_ != nullptr) {
      if (mremap(mapping->at(), mapping->bytes(), mapping->bytes(), MREMAP_MAYMOVE | MREMAP_FIXED,
                 mapping_->at()) == MAP_FAILED) {
        return errno;
      }
      mapping->Forget();
    } else {
      mapping_ = std::move(mapping);
    }
    file_ = std::move(file);
    return 0;
  }

  void Close() {
    mapping_.reset();
    file_.reset();
  }

  // Returns the payload's checksum.
  uint32_t AddNote(uint64_t number, const Note& note) {
    char* payload = data() + head_ % data_bytes_ + sizeof(kchan_record);
    std::memcpy(payload, &number, sizeof(number));
    std::memcpy(payload + 8, &note.refusal, sizeof(note.refusal));
    for (uint32_t i = 12; i < note.payload_bytes; i++) payload[i] = static_cast<char>(number + i);
    const uint32_t sum = Checksum(payload, note.payload_bytes);
    AddHeader({.length = note.payload_bytes | (note.discard ? KCHAN_RECORD_DISCARD : 0),
               .type = kNoteType});
    return sum;
  }
  uint32_t AddNote(uint64_t number) { return AddNote(number, Note()); }

  void AddHeader(const Header& header) {
    kchan_record record{};
    record.length = header.length;
    record.type = header.type;
    record.flags = header.flags;
    std::memcpy(data() + head_ % data_bytes_, &record, sizeof(record));
    const uint32_t length = header.length & KCHAN_RECORD_LENGTH_MASK;
    head_ +=
        header.claimed != 0 ? header.claimed : RecordBytes(length <= 4097 ? length : uint64_t{0});
  }

  // A positive errno or 0.
  int Ring(const Ringing& ringing) {
    std::vector<int32_t> statuses(ringing.max_records);
    char text[KCHAN_DOC_BYTES] = "unset";
    kchan_doorbell bell{};
    bell.head = ringing.head == kOwnHead ? head_ : ringing.head;
    bell.statuses = ringing.bad_statuses ? 8 : reinterpret_cast<uint64_t>(statuses.data());
    bell.text = reinterpret_cast<uint64_t>(ringing.text != nullptr ? ringing.text : text);
    bell.max_records = ringing.max_records;
    const int error = ioctl(fd(), KCHAN_IOC_DOORBELL, &bell) != 0 ? errno : 0;
    tail_ = bell.tail;
    statuses_.assign(statuses.begin(), statuses.begin() + bell.count);
    text_ = text;
    return error;
  }
  int Ring() { return Ring(Ringing()); }

  short Poll() const { return PollFor(POLLOUT, 0); }
  short PollForEnd(int timeout_ms) const { return PollFor(0, timeout_ms); }

  int error() const { return error_; }
  int fd() const { return file_->fd(); }
  char* data() const { return mapping_->at(); }
  uint64_t data_bytes() const { return data_bytes_; }
  uint64_t head() const { return head_; }
  uint64_t tail() const { return tail_; }
  std::vector<int> statuses() const { return {statuses_.begin(), statuses_.end()}; }
  const std::string& text() const { return text_; }

 private:
  static constexpr uint64_t kOwnHead = 12345;  // not aligned: no true one

  short PollFor(short events, int timeout_ms) const {
    pollfd polled{.fd = fd(), .events = events, .revents = 0};
    poll(&polled, 1, timeout_ms);
    return polled.revents;
  }

  const Options options_;
  std::unique_ptr<RingFile> file_;
  std::unique_ptr<Mapping> mapping_;
  int error_ = 0;
  uint64_t data_bytes_ = 0;
  uint64_t head_ = 0;
  uint64_t tail_ = 0;
  std::vector<int32_t> statuses_;
  std::string text_;
};

// What the channel says that it was handed, in its order.
class TakenReader {
 public:
  int Attach() {
    const int error = file_.Attach("test.doorbell");
    if (error != 0) return error;
    mapping_ = std::make_unique<Mapping>(file_.fd(), KCHAN_PAGE_PRODUCER,
                                         2 + 2 * file_.data_pages(), PROT_READ);
    return mapping_->error();
  }
  void Close() {
    mapping_.reset();
    file_.Close();
  }

  // All since Attach(); the ring must hold them.
  std::vector<Taken> All() const {
    const auto* producer = reinterpret_cast<const kchan_producer_page*>(mapping_->at());
    const uint64_t end = __atomic_load_n(&producer->producer_pos, __ATOMIC_ACQUIRE);
    const char* data = mapping_->at(2 * Mapping::PageBytes());
    std::vector<Taken> all;
    for (uint64_t at = 0; at != end;) {
      const auto* record = reinterpret_cast<const kchan_record*>(data + at % file_.data_bytes());
      all.emplace_back();
      std::memcpy(&all.back(), record + 1, sizeof(Taken));
      at += RecordBytes(record->length);
    }
    return all;
  }
  Taken Last() const { return All().back(); }
  std::vector<uint64_t> Numbers() const {
    std::vector<uint64_t> numbers;
    for (const Taken& taken : All()) numbers.push_back(taken.number);
    return numbers;
  }

  const RingFile& file() const { return file_; }

 private:
  RingFile file_;
  std::unique_ptr<Mapping> mapping_;
};

}  // namespace kchan::guest

#endif  // KCHAN_TESTS_KERNEL_GUEST_RING_WRITER_H_
