// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_OUTPUT_H_
#define KCHAN_CLIENTS_CLI_OUTPUT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kchan/v1/channel.pb.h"

namespace kchan::cli {

// Writes to standard output at once. False: nobody reads it any more, or it
// cannot be written (then says so on standard error, once).
bool Print(std::string_view text);

// Colours, where standard output is a terminal that shows them: otherwise all
// empty. NO_COLOR is honoured.
struct Palette {
  std::string_view dim, channel, name, lost, good, bad, reset;
};
const Palette& Colours();

// Lines up columns; the last one is free. The first row is the heading.
class Table {
 public:
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string ToString() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// Text from outside made safe for a terminal: control characters become "?".
std::string Safe(std::string_view text);

// The same of a text of many lines, in one.
std::string InOneLine(const std::string& text);

// As Safe(); "-" where there is none.
std::string OrDash(std::string_view text);

// 8388608 -> "8 MiB"; exact or rounded to one decimal place.
std::string BytesText(uint64_t bytes);

// Whether records come from it or go to it; else it has values or blocks.
bool HasRecords(const v1::Channel& channel);

// An enumerator's name without its type: "LIVE" -> "live".
std::string StateText(v1::ChannelState state);
std::string DirectionText(v1::Direction direction);
std::string EnumText(std::string_view name, std::string_view prefix);

}  // namespace kchan::cli

#endif  // KCHAN_CLIENTS_CLI_OUTPUT_H_
