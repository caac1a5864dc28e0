// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_RECORD_PRINTER_H_
#define KCHAN_CLIENTS_CLI_RECORD_PRINTER_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "kchan/batch.h"
#include "kchan/clock.h"
#include "kchan/loss.h"
#include "kchan/schema_cache.h"

namespace kchan::cli {

// RecordPrinter writes records and losses to standard output, one a line, and
// counts them.
//
// Thread safety: none.
class RecordPrinter {
 public:
  RecordPrinter(std::shared_ptr<Client> client, bool json)
      : schemas_(std::move(client)), json_(json) {}

  void set_node(std::string node) { node_ = std::move(node); }

  // Prints what the batch holds. False: standard output takes no more.
  bool Write(const BatchView& batch, const NodeClock& clock);

  uint64_t records() const { return records_; }
  const LossCounter& losses() const { return losses_; }
  // Numbers that the selection withheld.
  uint64_t filtered() const { return filtered_; }

 private:
  std::shared_ptr<const Schema> FindSchema(const BatchView& batch);
  void AppendRecord(const BatchView& batch, const RecordView& record, const Schema* schema,
                    const NodeClock& clock);
  void AppendRecordLine(const BatchView& batch, const RecordView& record, const RecordType* type,
                        const NodeClock& clock);
  void AppendLost(const BatchView& batch, const LostView& lost);

  SchemaCache schemas_;
  const bool json_;
  std::string node_;
  std::set<uint64_t> complained_;  // about these schemas
  std::string lines_;
  uint64_t records_ = 0;
  LossCounter losses_;
  uint64_t filtered_ = 0;
};

}  // namespace kchan::cli

#endif  // KCHAN_CLIENTS_CLI_RECORD_PRINTER_H_
