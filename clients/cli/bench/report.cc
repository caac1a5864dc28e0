// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include <google/protobuf/struct.pb.h>

#include <cmath>

#include "../json.h"
#include "../output.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace kchan::cli::bench {
namespace {

std::string Number(double value) {
  if (value >= 1e6) return absl::StrFormat("%.2f M", value / 1e6);
  if (value >= 1e4) return absl::StrFormat("%.0f k", value / 1e3);
  return absl::StrFormat("%.0f", value);
}

std::string Micros(uint64_t ns) {
  return absl::StrFormat("%.1f", static_cast<double>(ns) / 1000.0);
}

std::string Nanos(double ns) { return ns > 0 ? absl::StrFormat("%.0f", ns) : "-"; }

// Of a value nothing is lost: what nobody saw was replaced.
std::string LostText(const Row& row) {
  if (row.flat_out.produced == 0) return "-";
  const double share =
      100.0 * static_cast<double>(row.flat_out.lost) / static_cast<double>(row.flat_out.produced);
  return absl::StrFormat("%.0f %% of %u%s", share, row.flat_out.produced,
                         row.amount == "value" ? ", joined" : "");
}

std::string MachineText(const Machine& machine) {
  std::string text = absl::StrCat("kernel ", machine.kernel, ", ", machine.processors, " x ",
                                  machine.processor, ", clock source ", machine.clock_source, "\n");
  if (machine.emulated) {
    text += "EMULATED: compare rows, not with other machines\n";
  }
  if (machine.clock_source != "tsc") {
    text += "the clock source is not tsc: reading it costs more than a record\n";
  }
  return text;
}

// "0.78x"; "-" without one of the two.
std::string Ratio(double value, double by) {
  return value > 0 && by > 0 ? absl::StrFormat("%.2fx", value / by) : "-";
}

std::string ComparisonText(const Comparison& comparison) {
  Table table;
  table.Add({"64 BYTES, NOBODY WOKEN", "KERNEL NS", "KCHAN'S SHARE", "RAW"});
  table.Add({"kchan_emit, per-CPU ring", Nanos(comparison.kchan_per_cpu_ns), "", ""});
  table.Add({"bpf_ringbuf_output, per-CPU", Nanos(comparison.bpf_per_cpu_ns),
             Ratio(comparison.kchan_per_cpu_ns, comparison.bpf_per_cpu_ns),
             Ratio(comparison.kchan_per_cpu_ns, comparison.bpf_per_cpu_raw_ns)});
  table.Add({"kchan_emit, shared ring", Nanos(comparison.kchan_shared_ns), "", ""});
  table.Add({"bpf_ringbuf_output, shared", Nanos(comparison.bpf_shared_ns),
             Ratio(comparison.kchan_shared_ns, comparison.bpf_shared_ns),
             Ratio(comparison.kchan_shared_ns, comparison.bpf_shared_raw_ns)});
  table.Add({"relay_write, without kchan", Nanos(comparison.relay_ns), "", ""});
  std::string text = table.ToString();
  absl::StrAppendFormat(&text,
                        "Each BPF record stores its boottime, too. A run of an empty program costs "
                        "%.1f ns per record: taken off, but in RAW.\n",
                        comparison.bpf_empty_ns);
  if (!comparison.bpf_reason.empty()) {
    absl::StrAppend(&text, "BPF was not measured: ", comparison.bpf_reason, "\n");
  }
  return text;
}

using Object = google::protobuf::Struct;

void Put(Object& object, const std::string& key, double value) {
  (*object.mutable_fields())[key].set_number_value(value);
}
void Put(Object& object, const std::string& key, const std::string& value) {
  (*object.mutable_fields())[key].set_string_value(value);
}

void PutAccount(Object& row, const std::string& key, const Account& account) {
  Object& object = *(*row.mutable_fields())[key].mutable_struct_value();
  Put(object, "produced", static_cast<double>(account.produced));
  Put(object, "received", static_cast<double>(account.received));
  Put(object, "lost", static_cast<double>(account.lost));
}

void PutRow(Object& object, const Row& row) {
  Put(object, "channel", row.channel);
  Put(object, "method", row.method);
  Put(object, "direction", row.direction);
  Put(object, "amount", row.amount);
  Put(object, "lock", row.lock);
  Put(object, "reason", row.reason);
  Put(object, "records_per_second", row.records_per_second);
  Put(object, "bytes_per_second", row.bytes_per_second);
  Put(object, "latency_p50_ns", static_cast<double>(row.p50_ns));
  Put(object, "latency_p99_ns", static_cast<double>(row.p99_ns));
  Put(object, "kernel_ns", row.kernel_ns);
  Put(object, "kernel_ns_while_read", row.kernel_ns_read);
  Put(object, "produced", static_cast<double>(row.produced()));
  Put(object, "received", static_cast<double>(row.received()));
  Put(object, "lost", static_cast<double>(row.lost()));
  PutAccount(object, "paced", row.paced);
  PutAccount(object, "windows", row.windows);
  PutAccount(object, "flat_out", row.flat_out);
}

void PutMachine(Object& object, const Machine& machine) {
  Put(object, "kernel", machine.kernel);
  Put(object, "processor", machine.processor);
  Put(object, "processors", machine.processors);
  Put(object, "clock_source", machine.clock_source);
  Put(object, "bpf_jit", machine.bpf_jit);
  (*object.mutable_fields())["emulated"].set_bool_value(machine.emulated);
}

void PutComparison(Object& object, const Comparison& comparison) {
  Put(object, "kchan_per_cpu_ns", comparison.kchan_per_cpu_ns);
  Put(object, "kchan_shared_ns", comparison.kchan_shared_ns);
  Put(object, "bpf_per_cpu_ns", comparison.bpf_per_cpu_ns);
  Put(object, "bpf_shared_ns", comparison.bpf_shared_ns);
  Put(object, "bpf_per_cpu_raw_ns", comparison.bpf_per_cpu_raw_ns);
  Put(object, "bpf_shared_raw_ns", comparison.bpf_shared_raw_ns);
  Put(object, "bpf_empty_ns", comparison.bpf_empty_ns);
  Put(object, "relay_write_ns", comparison.relay_ns);
  Put(object, "bpf_reason", comparison.bpf_reason);
}

}  // namespace

std::string ReportText(const Report& report) {
  Table table;
  table.Add({"METHOD", "DIRECTION", "AMOUNT", "LOCK", "RECORDS/S", "MB/S", "P50 US", "P99 US",
             "KERNEL NS", "WHILE READ", "LOST FLAT OUT"});
  for (const Row& row : report.rows) {
    if (!row.reason.empty()) {
      table.Add({row.method, row.direction, row.amount, row.lock, "-", "-", "-", "-", "-", "-",
                 absl::StrCat("not measured: ", row.reason)});
      continue;
    }
    table.Add({row.method, row.direction, row.amount, row.lock, Number(row.records_per_second),
               absl::StrFormat("%.1f", row.bytes_per_second / 1e6), Micros(row.p50_ns),
               Micros(row.p99_ns), Nanos(row.kernel_ns), Nanos(row.kernel_ns_read), LostText(row)});
  }
  return MachineText(report.machine) + "\n" + table.ToString() + "\n" +
         ComparisonText(report.comparison);
}

std::string ReportJson(const Report& report) {
  Object object;
  auto& fields = *object.mutable_fields();
  PutMachine(*fields["machine"].mutable_struct_value(), report.machine);
  Put(object, "bytes", report.bytes);
  Put(object, "seconds", report.seconds);
  auto& rows = *fields["methods"].mutable_list_value();
  for (const Row& row : report.rows) PutRow(*rows.add_values()->mutable_struct_value(), row);
  PutComparison(*fields["comparison"].mutable_struct_value(), report.comparison);
  return MessageJson(object);
}

}  // namespace kchan::cli::bench
