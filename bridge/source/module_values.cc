// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/module_values.h"

#include <linux/kchan.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "bridge/source/attached_file.h"
#include "bridge/source/value_words.h"

namespace kchan::source {
namespace {

uint32_t OperationOf(hub::ValueChange::Operation operation) {
  switch (operation) {
    case hub::ValueChange::Operation::kSet:
      return KCHAN_VALUE_SET;
    case hub::ValueChange::Operation::kAdd:
      return KCHAN_VALUE_ADD;
    case hub::ValueChange::Operation::kCompareAndSwap:
      return KCHAN_VALUE_COMPARE_AND_SWAP;
  }
  return 0;
}

// What is added may be negative, whatever the word holds.
absl::StatusOr<uint64_t> Operand(const ValueWords& words, const ValueWords::Word& word,
                                 const hub::ValueChange& change) {
  const auto* delta = std::get_if<int64_t>(&change.operand);
  if (change.operation == hub::ValueChange::Operation::kAdd && delta != nullptr) {
    return static_cast<uint64_t>(*delta);
  }
  return words.ToKernel(word, change.operand);
}

absl::Status HasEnded(const std::string& channel) {
  return absl::FailedPreconditionError(absl::StrCat("channel ", channel, " has ended"));
}

absl::Status ChangeError(const std::string& channel, const std::string& word, int error) {
  const std::string what = absl::StrCat("channel ", channel, ", word ", word);
  if (error == EPERM) {
    return absl::PermissionDeniedError(absl::StrCat(what, ": only its module may change it"));
  }
  if (error == ESHUTDOWN) return HasEnded(channel);
  return absl::ErrnoToStatus(error, absl::StrCat(what, ": the module refused the change"));
}

}  // namespace

// An attached file, and what its words are.
class ModuleValues::File {
 public:
  File(AttachedFile file, ValueWords words) : file_(std::move(file)), words_(std::move(words)) {}

  int fd() const { return file_.fd(); }
  uint64_t generation() const { return file_.attach().generation; }
  const ValueWords& words() const { return words_; }

 private:
  AttachedFile file_;
  ValueWords words_;
};

absl::StatusOr<ModuleValues::File> ModuleValues::Open(const std::string& channel) {
  absl::StatusOr<ValueWords> words = absl::UnknownError("");
  absl::StatusOr<AttachedFile> file = absl::UnknownError("");
  const hub::KernelAnswer answer = pool_.Run([&](KernelControl& control) {
    const auto message = control.GetChannel(channel);
    if (!message.ok()) return hub::KernelAnswer{.status = message.status()};
    if (message->transport != KCHAN_TRANSPORT_VALUE) {
      return hub::KernelAnswer{.status = absl::FailedPreconditionError(
                                   absl::StrCat("channel ", channel, " is not one of values"))};
    }
    file =
        AttachedFile::Open(device_path_, {.channel = channel}, absl::StrCat("channel ", channel));
    if (!file.ok()) return hub::KernelAnswer{.status = file.status()};
    // In this order: as long as what is attached lives, its words are these.
    const auto schema = control.GetSchema(channel);
    if (!schema.ok()) return hub::KernelAnswer{.status = schema.status()};
    words = ValueWords::Of(*schema, channel);
    return hub::KernelAnswer{.status = words.status()};
  });
  if (!answer.status.ok()) return answer.status;
  return File(*std::move(file), *std::move(words));
}

absl::StatusOr<hub::ValueSnapshot> ModuleValues::Read(const std::string& channel) {
  const absl::StatusOr<File> file = Open(channel);
  if (!file.ok()) return file.status();
  kchan_value_read values = {};
  if (ioctl(file->fd(), KCHAN_IOC_VALUE_READ, &values) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("channel ", channel, ": reading its values"));
  }
  if (values.state == KCHAN_STATE_DEAD) return HasEnded(channel);
  return file->words().Snapshot(values, file->generation());
}

absl::StatusOr<hub::ValueChanged> ModuleValues::Change(const std::string& channel,
                                                       const hub::ValueChange& wish) {
  const absl::StatusOr<File> file = Open(channel);
  if (!file.ok()) return file.status();
  const absl::StatusOr<ValueWords::Word> word = file->words().Find(wish.word);
  if (!word.ok()) return word.status();
  const absl::StatusOr<uint64_t> operand = Operand(file->words(), *word, wish);
  if (!operand.ok()) return operand.status();
  kchan_value_change change = {};
  change.word = word->index;
  change.operation = OperationOf(wish.operation);
  change.operand = *operand;
  if (wish.operation == hub::ValueChange::Operation::kCompareAndSwap) {
    const absl::StatusOr<uint64_t> expected = file->words().ToKernel(*word, wish.expected);
    if (!expected.ok()) return expected.status();
    change.expected = *expected;
  }
  if (ioctl(file->fd(), KCHAN_IOC_VALUE_CHANGE, &change) != 0) {
    return ChangeError(channel, wish.word, errno);
  }
  return hub::ValueChanged{.applied = change.applied != 0,
                           .before = ValueWords::FromKernel(*word, change.before),
                           .after = ValueWords::FromKernel(*word, change.after)};
}

}  // namespace kchan::source
