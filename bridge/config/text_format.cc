// SPDX-License-Identifier: Apache-2.0
#include "bridge/config/text_format.h"

#include <cerrno>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"

namespace kchan::config {
namespace {

// Collects what the parser complains about, with its place.
class Complaints final : public google::protobuf::io::ErrorCollector {
 public:
  explicit Complaints(const std::string& name) : name_(name) {}

  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    // The parser counts from 0, and says -1 of the file as a whole.
    absl::StrAppend(&text_, text_.empty() ? "" : "\n", name_, ":", line + 1, ":", column + 1, ": ",
                    message);
  }
  void AddWarning(int line, google::protobuf::io::ColumnNumber column,
                  const std::string& message) override {
    AddError(line, column, message);
  }

  const std::string& text() const { return text_; }

 private:
  const std::string name_;
  std::string text_;
};

}  // namespace

absl::Status ParseTextInto(const std::string& text, const std::string& name, Places* places,
                           google::protobuf::Message& to) {
  Complaints complaints(name);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&complaints);
  if (places != nullptr) parser.WriteLocationsTo(places->tree());
  if (!parser.ParseFromString(text, &to) || !complaints.text().empty()) {
    return absl::InvalidArgumentError(complaints.text());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadText(const std::string& path, const char* what, size_t max_bytes) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  // By pieces: what a file may have at most, most never have.
  for (char piece[1 << 14]; file && text.size() <= max_bytes;) {
    file.read(piece, sizeof(piece));
    text.append(piece, static_cast<size_t>(file.gcount()));
  }
  if (!file && !file.eof()) {
    return absl::ErrnoToStatus(errno, absl::StrCat(what, " ", path, " cannot be read"));
  }
  if (text.size() <= max_bytes) return text;
  return absl::InvalidArgumentError(
      absl::StrCat(what, " ", path, " is longer than ", max_bytes, " bytes"));
}

absl::Status AtItsPlace(const absl::Status& mistake, const std::string& file,
                        const Places& places) {
  const std::string message(mistake.message());
  const std::string place = places.Of(message.substr(0, message.find(": ")));
  return absl::Status(mistake.code(),
                      absl::StrCat(file, place.empty() ? "" : ":", place, ": ", message));
}

}  // namespace kchan::config
