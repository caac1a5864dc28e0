// SPDX-License-Identifier: Apache-2.0
#include "bridge/config/parse.h"

#include <cerrno>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/status/status.h"
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

absl::StatusOr<v1::Config> ParseText(const std::string& text, const std::string& name,
                                     Places* places) {
  Complaints complaints(name);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&complaints);
  if (places != nullptr) parser.WriteLocationsTo(places->tree());
  v1::Config config;
  if (!parser.ParseFromString(text, &config) || !complaints.text().empty()) {
    return absl::InvalidArgumentError(complaints.text());
  }
  return config;
}

absl::StatusOr<v1::Config> ReadFile(const std::string& path, Places* places) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  if (!file || !(text << file.rdbuf())) {
    // An empty file also "fails" to be copied, and means all defaults.
    if (file && file.peek() == std::ifstream::traits_type::eof()) return v1::Config();
    return absl::ErrnoToStatus(errno, absl::StrCat("configuration ", path, " cannot be read"));
  }
  return ParseText(text.str(), path, places);
}

}  // namespace kchan::config
