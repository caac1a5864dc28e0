// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/path/tables.h"

#include <algorithm>
#include <cstdio>
#include <map>

namespace kchan::bench {

void Printer::Print(const std::vector<Cell>& row) {
  if (json_) {
    std::string text;
    for (const Cell& cell : row) {
      const char* quote = cell.is_text ? "\"" : "";
      text += (text.empty() ? "{\"" : ",\"") + cell.column + "\":" + quote + cell.value + quote;
    }
    std::puts((text + "}").c_str());
    std::fflush(stdout);
    return;
  }
  std::string heading = "|";
  std::string rule = "|";
  std::string values = "|";
  for (const Cell& cell : row) {
    heading += " " + cell.column + " |";
    rule += "---|";
    values += " " + cell.value + " |";
  }
  if (!has_heading_) std::printf("%s\n%s\n", heading.c_str(), rule.c_str());
  has_heading_ = true;
  std::puts(values.c_str());
  std::fflush(stdout);
}

Cell Text(const std::string& column, const std::string& value) { return {column, value, true}; }

Cell Number(const std::string& column, double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", decimals, value);
  return {column, text};
}

namespace {

template <typename T>
T MedianBy(std::vector<Result> results, T Result::*figure) {
  const auto middle = results.begin() + static_cast<ptrdiff_t>(results.size() / 2);
  std::nth_element(results.begin(), middle, results.end(),
                   [&](const Result& a, const Result& b) { return a.*figure < b.*figure; });
  return (*middle).*figure;
}

// Each figure's median. A scheduler that once puts both ends on one processor
// does so for as long as they run, so a longer run would not do.
Result Median(const std::vector<Result>& results) {
  return {.records_per_second = MedianBy(results, &Result::records_per_second),
          .bytes_per_second = MedianBy(results, &Result::bytes_per_second),
          .sender_cpu_per_gb = MedianBy(results, &Result::sender_cpu_per_gb),
          .both_cpu_per_gb = MedianBy(results, &Result::both_cpu_per_gb),
          .slowest_share = MedianBy(results, &Result::slowest_share),
          .lost = MedianBy(results, &Result::lost),
          .p50_ns = MedianBy(results, &Result::p50_ns),
          .p99_ns = MedianBy(results, &Result::p99_ns)};
}

// All ways in turn, again and again.
std::map<std::string, Result> MeasureAll(const std::vector<const Way*>& ways, Setup& setup,
                                         const Rounds& rounds) {
  std::map<std::string, std::vector<Result>> results;
  for (int round = 0; round < rounds.count; ++round) {
    for (const Way* way : ways) {
      results[way->name].push_back(Measure(*way, setup, 1, rounds.seconds));
      ++setup.port;
    }
  }
  std::map<std::string, Result> medians;
  for (const auto& [name, all] : results) medians[name] = Median(all);
  return medians;
}

}  // namespace

void PrintThroughput(Printer& printer, const std::vector<const Way*>& ways, Setup setup,
                     const std::vector<size_t>& sizes, const Rounds& rounds) {
  for (const size_t size : sizes) {
    setup.record_bytes = size;
    const std::map<std::string, Result> results = MeasureAll(ways, setup, rounds);
    for (const Way* way : ways) {
      const Result& result = results.at(way->name);
      const auto by = [&](const char* name) {
        const auto found = results.find(name);
        if (found == results.end()) return 0.0;
        return result.records_per_second / found->second.records_per_second;
      };
      printer.Print({Number("bytes", static_cast<double>(size), 0), Text("way", way->what),
                     Number("M records/s", result.records_per_second * 1e-6, 3),
                     Number("GB/s", result.bytes_per_second * 1e-9, 3),
                     Number("CPU s/GB, both ends", result.both_cpu_per_gb, 2),
                     Number("x raw TCP", by("tcp"), 2), Number("x slices", by("grpc-slices"), 2),
                     Number("x one per message", by("grpc-records"), 1),
                     Number("lost", static_cast<double>(result.lost), 0)});
    }
  }
}

void PrintFanout(Printer& printer, const std::vector<const Way*>& ways, Setup setup,
                 const std::vector<int>& clients, double seconds) {
  for (const Way* way : ways) {
    Result first;
    for (const int count : clients) {
      const Result result = Measure(*way, setup, count, seconds);
      ++setup.port;
      if (first.bytes_per_second == 0) first = result;
      printer.Print({Text("way", way->what), Number("clients", count, 0),
                     Number("GB/s, all", result.bytes_per_second * 1e-9, 3),
                     Number("x first row", result.bytes_per_second / first.bytes_per_second, 2),
                     Number("sender CPU s/GB", result.sender_cpu_per_gb, 3),
                     Number("x first row's", result.sender_cpu_per_gb / first.sender_cpu_per_gb, 2),
                     Number("slowest / mean", result.slowest_share, 2),
                     Number("lost", static_cast<double>(result.lost), 0)});
    }
  }
}

void PrintLatency(Printer& printer, const std::vector<const Way*>& ways, Setup setup,
                  const Rounds& rounds) {
  const auto microseconds = [](uint64_t ns) { return static_cast<double>(ns) * 1e-3; };
  std::map<std::string, Result> results = MeasureAll(ways, setup, rounds);
  const Result& ping = results["grpc-records"];
  for (const Way* way : ways) {
    const Result& result = results[way->name];
    const auto by = [](uint64_t ns, uint64_t unit) {
      return unit > 0 ? static_cast<double>(ns) / static_cast<double>(unit) : 0;
    };
    printer.Print({Text("way", setup.rate > 0 && std::string(way->name) == "tcp"
                                   ? "raw TCP, one record a write"
                                   : way->what),
                   Number("records/s", result.records_per_second, 0),
                   Number("p50 us", microseconds(result.p50_ns), 1),
                   Number("p99 us", microseconds(result.p99_ns), 1),
                   Number("p50 x gRPC", by(result.p50_ns, ping.p50_ns), 2),
                   Number("p99 x gRPC", by(result.p99_ns, ping.p99_ns), 2)});
  }
}

}  // namespace kchan::bench
