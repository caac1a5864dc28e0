// SPDX-License-Identifier: Apache-2.0
#include "record_printer.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "explain.h"
#include "kchan/format.h"
#include "output.h"

namespace kchan::cli {
namespace {

// Channel and type names of the bundled sources; longer ones push to the right.
constexpr size_t kNameWidth = 14;

void AppendPadded(std::string_view text, std::string* out) {
  *out += text;
  if (text.size() < kNameWidth) out->append(kNameWidth - text.size(), ' ');
}

// With its day where the time alone does not say it: history may be weeks old.
std::string TimeText(absl::Time time) {
  const bool is_recent = absl::Now() - time < absl::Hours(24);
  return absl::FormatTime(is_recent ? "%H:%M:%E6S" : "%Y-%m-%d %H:%M:%E6S", time,
                          absl::LocalTimeZone());
}

}  // namespace

std::shared_ptr<const Schema> RecordPrinter::FindSchema(const BatchView& batch) {
  if (batch.records().empty()) return nullptr;
  auto schema = schemas_.Get(batch.channel(), batch.schema_id());
  if (schema.ok()) return *std::move(schema);
  // The records are worth having also as bytes; say why once.
  if (complained_.insert(batch.schema_id()).second) Explain(schema.status());
  return nullptr;
}

bool RecordPrinter::Write(const BatchView& batch, const NodeClock& clock) {
  const std::shared_ptr<const Schema> schema = FindSchema(batch);
  lines_.clear();
  batch.ForEach(
      [&](const RecordView& record) {
        ++records_;
        AppendRecord(batch, record, schema.get(), clock);
      },
      [&](const LostView& lost) {
        losses_.Add(lost);
        AppendLost(batch, lost);
      });
  filtered_ += batch.filtered();
  return Print(lines_);
}

void RecordPrinter::AppendRecord(const BatchView& batch, const RecordView& record,
                                 const Schema* schema, const NodeClock& clock) {
  const RecordType* type = schema == nullptr ? nullptr : schema->FindType(record.type);
  if (json_) {
    AppendRecordJson(node_, batch, record, type, clock, &lines_);
    lines_ += '\n';
  } else {
    AppendRecordLine(batch, record, type, clock);
  }
}

void RecordPrinter::AppendRecordLine(const BatchView& batch, const RecordView& record,
                                     const RecordType* type, const NodeClock& clock) {
  const Palette& colours = Colours();
  absl::StrAppend(&lines_, std::string(colours.dim), TimeText(clock.ToTime(record.boottime_ns)),
                  " cpu", record.cpu, std::string(colours.reset), "  ");
  std::string name = Safe(batch.channel());
  // A channel of one type usually shares its name.
  if (type != nullptr && type->name() != batch.channel()) name += "/" + Safe(type->name());
  lines_ += colours.channel;
  AppendPadded(name, &lines_);
  lines_ += colours.reset;

  if (type == nullptr) {
    absl::StrAppend(&lines_, " type=", record.type,
                    " payload=", absl::BytesToHexString(std::string(record.payload)), "\n");
    return;
  }
  for (const Field& field : type->fields()) {
    lines_ += ' ';
    lines_ += colours.name;
    lines_ += Safe(field.name());
    lines_ += colours.reset;
    AppendAssignmentText(field, record.payload, &lines_);
  }
  lines_ += '\n';
}

void RecordPrinter::AppendLost(const BatchView& batch, const LostView& lost) {
  if (json_) {
    AppendLostJson(node_, batch, lost, &lines_);
    lines_ += '\n';
    return;
  }
  const Palette& colours = Colours();
  // As wide as a time and a CPU, so that the channels stay in their column.
  lines_ += colours.lost;
  lines_ += "---- lost ----        ";
  AppendPadded(Safe(batch.channel()), &lines_);
  if (lost.count == 0) {
    lines_ += " an unknown number of records";
  } else {
    absl::StrAppend(&lines_, " ", lost.count, lost.count == 1 ? " record" : " records",
                    " from sequence ", lost.first_sequence);
  }
  lines_ += ": ";
  lines_ += LossStageText(lost.stage);
  if (lost.cpu) absl::StrAppend(&lines_, ", cpu ", *lost.cpu);
  if (!lost.cause.empty()) lines_ += " (" + Safe(lost.cause) + ")";
  lines_ += colours.reset;
  lines_ += '\n';
}

}  // namespace kchan::cli
