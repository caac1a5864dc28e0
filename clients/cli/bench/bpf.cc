// SPDX-License-Identifier: Apache-2.0
#include "bpf.h"

#include <linux/bpf.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "bpf_program.h"

namespace kchan::cli::bench {
namespace {

constexpr uint32_t kRingBytes = 4 << 20;
constexpr uint64_t kHeaderBytes = 8;  // of a record in a BPF ring buffer
constexpr int32_t kPayloadAt = -64;   // on the stack
constexpr int16_t kCpuAt = -72;

long Bpf(int command, bpf_attr& attribute) {
  return syscall(SYS_bpf, command, &attribute, sizeof(attribute));
}

absl::Status Error(const char* what) {
  return absl::ErrnoToStatus(errno, absl::StrCat("BPF: ", what));
}

absl::StatusOr<source::UniqueFd> MakeMap(uint32_t type, uint32_t entries, int inner_fd = -1) {
  bpf_attr attribute{};
  attribute.map_type = type;
  attribute.max_entries = entries;
  if (inner_fd >= 0) {
    attribute.key_size = sizeof(uint32_t);
    attribute.value_size = sizeof(uint32_t);
    attribute.inner_map_fd = static_cast<uint32_t>(inner_fd);
  }
  source::UniqueFd map(static_cast<int>(Bpf(BPF_MAP_CREATE, attribute)));
  if (!map) return Error("a map cannot be made");
  return map;
}

absl::Status PutMap(int outer_fd, uint32_t index, int inner_fd) {
  bpf_attr attribute{};
  const auto value = static_cast<uint32_t>(inner_fd);
  attribute.map_fd = static_cast<uint32_t>(outer_fd);
  attribute.key = reinterpret_cast<uint64_t>(&index);
  attribute.value = reinterpret_cast<uint64_t>(&value);
  if (Bpf(BPF_MAP_UPDATE_ELEM, attribute) != 0) return Error("a map cannot be put into another");
  return absl::OkStatus();
}

// One record: its boottime into the payload, then out. r6 counts, as the
// module's samples do.
void AddRecord(BpfProgram& program, BpfRing::Kind kind, int ring_fd, int rings_fd) {
  program.Call(BPF_FUNC_ktime_get_boot_ns);
  program.Store64(kPayloadAt + 8, BPF_REG_0);
  if (kind == BpfRing::Kind::kPerCpu) {
    program.Call(BPF_FUNC_get_smp_processor_id);
    program.Store32(kCpuAt, BPF_REG_0);
    program.LoadMap(BPF_REG_1, rings_fd);
    program.StackAddress(BPF_REG_2, kCpuAt);
    program.Call(BPF_FUNC_map_lookup_elem);
    program.ExitIfZero();
    program.MoveRegister(BPF_REG_1, BPF_REG_0);
  } else {
    program.LoadMap(BPF_REG_1, ring_fd);
  }
  program.StackAddress(BPF_REG_2, kPayloadAt);
  program.Move(BPF_REG_3, BpfRing::kPayloadBytes);
  program.Move(BPF_REG_4, BPF_RB_NO_WAKEUP);
  program.Call(BPF_FUNC_ringbuf_output);
}

uint64_t Load(const void* page) {
  return __atomic_load_n(static_cast<const uint64_t*>(page), __ATOMIC_ACQUIRE);
}

}  // namespace

absl::StatusOr<std::unique_ptr<BpfRing>> BpfRing::Load(Kind kind, uint32_t cpu) {
  std::unique_ptr<BpfRing> ring(new BpfRing(kind));
  if (kind != Kind::kEmpty) {
    if (absl::Status status = ring->MakeRings(cpu); !status.ok()) return status;
    if (absl::Status status = ring->Map(); !status.ok()) return status;
  }
  if (absl::Status status = ring->LoadProgram(); !status.ok()) return status;
  return ring;
}

BpfRing::~BpfRing() {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  if (consumer_ != nullptr) munmap(consumer_, page);
  if (producer_ != nullptr) munmap(producer_, page);
}

absl::Status BpfRing::MakeRings(uint32_t cpu) {
  auto ring = MakeMap(BPF_MAP_TYPE_RINGBUF, kRingBytes);
  if (!ring.ok()) return ring.status();
  ring_ = *std::move(ring);
  if (kind_ != Kind::kPerCpu) return absl::OkStatus();
  auto rings = MakeMap(BPF_MAP_TYPE_ARRAY_OF_MAPS, cpu + 1, ring_.get());
  if (!rings.ok()) return rings.status();
  rings_ = *std::move(rings);
  return PutMap(rings_.get(), cpu, ring_.get());
}

absl::Status BpfRing::Map() {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* consumer = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, ring_.get(), 0);
  if (consumer == MAP_FAILED) return Error("a ring buffer cannot be mapped");
  consumer_ = consumer;
  void* producer =
      mmap(nullptr, page, PROT_READ, MAP_SHARED, ring_.get(), static_cast<off_t>(page));
  if (producer == MAP_FAILED) return Error("a ring buffer cannot be mapped");
  producer_ = producer;
  return absl::OkStatus();
}

absl::Status BpfRing::LoadProgram() {
  BpfProgram program;
  if (kind_ != Kind::kEmpty) {
    program.Move(BPF_REG_0, 0);
    for (int32_t at = kPayloadAt; at < 0; at += 8) {
      program.Store64(static_cast<int16_t>(at), BPF_REG_0);
    }
    for (uint32_t i = 0; i < kRecordsInRun; ++i) {
      AddRecord(program, kind_, ring_.get(), rings_.get());
    }
  }
  program.Move(BPF_REG_0, 0);
  program.Exit();

  std::string said(1 << 20, '\0');  // what the verifier says; too short is an error, too
  bpf_attr attribute{};
  attribute.prog_type = BPF_PROG_TYPE_SCHED_CLS;
  attribute.insns = reinterpret_cast<uint64_t>(program.instructions().data());
  attribute.insn_cnt = static_cast<uint32_t>(program.instructions().size());
  attribute.license = reinterpret_cast<uint64_t>("GPL");
  attribute.log_buf = reinterpret_cast<uint64_t>(said.data());
  attribute.log_size = said.size();
  attribute.log_level = 1;
  program_ = source::UniqueFd(static_cast<int>(Bpf(BPF_PROG_LOAD, attribute)));
  if (program_) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, absl::StrCat("BPF: the program is refused: ", said.c_str()));
}

absl::StatusOr<uint64_t> BpfRing::RunTimes(uint32_t runs) {
  const uint64_t before = producer_ == nullptr ? 0 : bench::Load(producer_);
  std::array<std::byte, 64> packet{};  // a program of this type is given one
  bpf_attr attribute{};
  attribute.test.prog_fd = static_cast<uint32_t>(program_.get());
  attribute.test.data_in = reinterpret_cast<uint64_t>(packet.data());
  attribute.test.data_size_in = packet.size();
  attribute.test.repeat = runs;
  if (Bpf(BPF_PROG_TEST_RUN, attribute) != 0) return Error("the program cannot be run");
  if (producer_ != nullptr) {
    const uint64_t after = bench::Load(producer_);
    const uint64_t wanted = uint64_t{runs} * kRecordsInRun * (kPayloadBytes + kHeaderBytes);
    __atomic_store_n(static_cast<uint64_t*>(consumer_), after, __ATOMIC_RELEASE);
    if (after - before != wanted) {
      return absl::DataLossError(
          absl::StrCat("BPF: of ", wanted, " bytes ", after - before, " were stored"));
    }
  }
  return uint64_t{attribute.test.duration} * runs;
}

}  // namespace kchan::cli::bench
