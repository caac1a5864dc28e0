// SPDX-License-Identifier: Apache-2.0
#include "tests/certificates/test_ca.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace kchan::testing {
namespace {

constexpr char kNewKey[] = " -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes ";

// All arguments are the test's own: nothing needs quoting but spaces.
void OpenSsl(const std::string& arguments) {
  const std::string command = absl::StrCat(KCHAN_OPENSSL " ", arguments, " >/dev/null 2>&1");
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
}

}  // namespace

TestCa::TestCa(std::string folder, const std::string& name)
    : folder_(std::move(folder)),
      file_(absl::StrCat(folder_, "/", name, ".pem")),
      key_file_(absl::StrCat(folder_, "/", name, ".key")) {
  OpenSsl(absl::StrCat("req -x509", kNewKey, "-keyout ", key_file_, " -out ", file_,
                       " -subj '/CN=", name, "' -days 2"));
}

KeyPair TestCa::Issue(const std::string& name, const Subject& subject) const {
  const std::string base = absl::StrCat(folder_, "/", name);
  KeyPair pair{base + ".pem", base + ".key"};
  OpenSsl(absl::StrCat("req", kNewKey, "-keyout ", pair.key_file, " -out ", base,
                       ".csr -subj '/CN=", subject.common_name, "'"));
  {
    std::ofstream extensions(base + ".ext");
    extensions << "extendedKeyUsage=" << (subject.is_server ? "serverAuth" : "clientAuth") << "\n";
    if (!subject.alternative_names.empty()) {
      extensions << "subjectAltName=" << subject.alternative_names << "\n";
    }
  }
  OpenSsl(absl::StrCat("x509 -req -in ", base, ".csr -CA ", file_, " -CAkey ", key_file_, " -days ",
                       subject.days, " -extfile ", base, ".ext -out ", pair.certificate_file));
  return pair;
}

security::TlsFiles TestCa::IssueServer(const std::string& name, int days) const {
  const KeyPair pair = Issue(name, {.common_name = name,
                                    .alternative_names = "DNS:localhost,IP:127.0.0.1",
                                    .days = days,
                                    .is_server = true});
  return {pair.certificate_file, pair.key_file, file_};
}

std::string ContentOf(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_FALSE(text.str().empty()) << file;
  return text.str();
}

}  // namespace kchan::testing
