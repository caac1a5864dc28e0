// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_TESTS_CERTIFICATES_TEST_CA_H_
#define KCHAN_TESTS_CERTIFICATES_TEST_CA_H_

#include <string>

#include "bridge/security/certificates.h"

namespace kchan::testing {

struct KeyPair {
  std::string certificate_file;
  std::string key_file;
};

// An authority of its own, in files NAME.pem and NAME.key of a folder.
class TestCa {
 public:
  // What is certified.
  struct Subject {
    std::string common_name = "test";
    std::string alternative_names = "";  // "URI:spiffe://fleet/a,DNS:localhost,IP:127.0.0.1"
    int days = 2;                        // -1: has expired
    bool is_server = false;
  };

  TestCa(std::string folder, const std::string& name);

  const std::string& file() const { return file_; }

  // Makes, or replaces, NAME.pem and NAME.key.
  KeyPair Issue(const std::string& name, const Subject& subject) const;
  // One that TLS clients at 127.0.0.1 take, with this authority for clients.
  security::TlsFiles IssueServer(const std::string& name, int days = 2) const;

 private:
  const std::string folder_;
  const std::string file_;
  const std::string key_file_;
};

std::string ContentOf(const std::string& file);

}  // namespace kchan::testing

#endif  // KCHAN_TESTS_CERTIFICATES_TEST_CA_H_
