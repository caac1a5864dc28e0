// SPDX-License-Identifier: Apache-2.0
// What the kernel says outside our module, and what a client wants written to
// its log, hold anything: what is believed keeps its promises.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "bridge/source/kernel_messages.h"
#include "bridge/source/kmsg_record.h"
#include "bridge/source/kmsg_writer.h"
#include "bridge/source/psi_text.h"
#include "bridge/source/uevent_message.h"

namespace {

namespace source = kchan::source;

void Check(bool is_true) {
  if (!is_true) std::abort();
}

bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < ' ' && c != '\n') || c == 0x7f;
  });
}

void CheckKmsg(std::string_view text) {
  const auto record = source::ParseKmsg(text);
  if (!record) return;
  Check(record->level < 8);
  // Unescaping only ever shortens.
  Check(record->text.size() <= text.size() && record->dictionary.size() <= text.size());
  (void)source::FindInDictionary(record->dictionary, "DEVICE");
}

void CheckUevent(std::string_view text) {
  const auto message = source::ParseUevent(std::as_bytes(std::span(text)));
  if (!message) return;
  Check(!message->action.empty() && !message->devpath.empty());
  Check(!HasControl(message->properties));
}

void CheckLine(std::string_view text) {
  const auto line = source::KmsgLineOf(std::as_bytes(std::span(text)));
  if (!line.ok()) return;
  Check(line->starts_with('<') && line->find(">kchand: ") != std::string::npos);
  Check(!HasControl(*line) && line->find('\n') == line->size() - 1);
  Check(line->size() < 976);
}

void CheckText(std::string_view text) {
  const std::string valid = source::ValidUtf8(text);
  Check(valid == source::ValidUtf8(valid) && valid.size() == text.size());
  (void)source::ParsePsi(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckKmsg(text);
  CheckUevent(text);
  CheckLine(text);
  CheckText(text);
  return 0;
}
