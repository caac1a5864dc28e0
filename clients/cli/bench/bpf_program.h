// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_BENCH_BPF_PROGRAM_H_
#define KCHAN_CLIENTS_CLI_BENCH_BPF_PROGRAM_H_

#include <linux/bpf.h>

#include <cstdint>
#include <vector>

namespace kchan::cli::bench {

// Instructions, in the order in which they are asked for. As much of BPF as a
// program without branches needs, and one: "leave if r0 is 0".
class BpfProgram {
 public:
  const std::vector<bpf_insn>& instructions() const { return instructions_; }

  void Move(uint8_t to, int32_t value) { Add(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value); }
  void MoveRegister(uint8_t to, uint8_t from) { Add(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0); }
  // An address on the stack: r10 is its end.
  void StackAddress(uint8_t to, int32_t offset) {
    MoveRegister(to, BPF_REG_10);
    Add(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, offset);
  }
  void Store64(int16_t stack_offset, uint8_t from) {
    Add(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, from, stack_offset, 0);
  }
  void Store32(int16_t stack_offset, uint8_t from) {
    Add(BPF_STX | BPF_MEM | BPF_W, BPF_REG_10, from, stack_offset, 0);
  }
  void LoadMap(uint8_t to, int map_fd) {
    Add(BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_FD, 0, map_fd);
    Add(0, 0, 0, 0, 0);
  }
  void Call(int32_t function) { Add(BPF_JMP | BPF_CALL, 0, 0, 0, function); }
  void ExitIfZero() {
    Add(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_0, 0, 1, 0);
    Exit();
  }
  void Exit() { Add(BPF_JMP | BPF_EXIT, 0, 0, 0, 0); }

 private:
  void Add(uint8_t code, uint8_t to, uint8_t from, int16_t offset, int32_t immediate) {
    bpf_insn instruction{};
    instruction.code = code;
    instruction.dst_reg = to & 0xf;
    instruction.src_reg = from & 0xf;
    instruction.off = offset;
    instruction.imm = immediate;
    instructions_.push_back(instruction);
  }

  std::vector<bpf_insn> instructions_;
};

}  // namespace kchan::cli::bench

#endif  // KCHAN_CLIENTS_CLI_BENCH_BPF_PROGRAM_H_
