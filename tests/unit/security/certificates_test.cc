// SPDX-License-Identifier: Apache-2.0
#include "bridge/security/certificates.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/certificates/test_ca.h"

namespace kchan::security {
namespace {

using testing::ContentOf;
using testing::TestCa;

std::string MakeFolder() {
  std::string path = "/tmp/kchan-certificates-XXXXXX";
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  return path;
}

class CertificatesTest : public ::testing::Test {
 protected:
  ~CertificatesTest() override { std::filesystem::remove_all(folder_); }

  std::string MistakeOf(const TlsFiles& files) {
    const auto read = ReadCertificates(files);
    EXPECT_FALSE(read.ok());
    return std::string(read.status().message());
  }
  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }

  const std::string folder_ = MakeFolder();
  const TestCa ca_{folder_, "ca"};
  const TlsFiles files_ = ca_.IssueServer("server");
};

TEST_F(CertificatesTest, AreReadWithTheirEnds) {
  const auto read = ReadCertificates(files_);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->chain, ContentOf(files_.certificate_file));
  EXPECT_EQ(read->key, ContentOf(files_.key_file));
  EXPECT_EQ(read->client_ca, ContentOf(ca_.file()));
  for (const absl::Time end : {read->expires, read->client_ca_expires}) {
    EXPECT_GT(end, absl::Now() + absl::Hours(47));
    EXPECT_LT(end, absl::Now() + absl::Hours(49));
  }
}

TEST_F(CertificatesTest, ExpiredOnesAreReadAndSaySo) {
  const auto read = ReadCertificates(ca_.IssueServer("old", /*days=*/-1));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_LT(read->expires, absl::Now());
}

TEST_F(CertificatesTest, ChainEndsWhenTheFirstOfItDoes) {
  TlsFiles files = files_;
  const std::string old = ca_.IssueServer("old", /*days=*/-1).certificate_file;
  files.certificate_file = Write("chain.pem", ContentOf(files_.certificate_file) + ContentOf(old));
  EXPECT_LT(ReadCertificates(files)->expires, absl::Now());
}

TEST_F(CertificatesTest, KeyOfAnotherCertificateIsRefused) {
  TlsFiles files = files_;
  files.key_file = ca_.IssueServer("other").key_file;
  EXPECT_EQ(MistakeOf(files), "key " + files.key_file + ": is not the key of the certificate in " +
                                  files.certificate_file);
}

TEST_F(CertificatesTest, DamagedFilesAreNamed) {
  const std::string whole = ContentOf(files_.certificate_file);
  for (const std::string& text :
       {std::string(), std::string("nonsense"), whole.substr(0, whole.size() / 2),
        whole + whole.substr(0, whole.size() / 2), ContentOf(files_.key_file)}) {
    TlsFiles files = files_;
    files.certificate_file = Write("damaged.pem", text);
    EXPECT_EQ(MistakeOf(files).find("certificate " + files.certificate_file + ": "), 0u) << text;
    files = files_;
    files.client_ca_file = Write("damaged-ca.pem", text);
    EXPECT_EQ(MistakeOf(files).find("client CA " + files.client_ca_file + ": "), 0u) << text;
  }
  TlsFiles files = files_;
  files.key_file = Write("damaged.key", "nonsense");
  EXPECT_EQ(MistakeOf(files).find("key " + files.key_file + ": "), 0u);
}

TEST_F(CertificatesTest, MissingFilesAreNamed) {
  for (std::string TlsFiles::*file :
       {&TlsFiles::certificate_file, &TlsFiles::key_file, &TlsFiles::client_ca_file}) {
    TlsFiles files = files_;
    files.*file = "/no/such.pem";
    EXPECT_NE(MistakeOf(files).find("/no/such.pem"), std::string::npos);
  }
}

TEST_F(CertificatesTest, WithoutAClientCaNobodyIsVerified) {
  TlsFiles files = files_;
  files.client_ca_file.clear();
  const auto read = ReadCertificates(files);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->client_ca, "");
  EXPECT_EQ(read->client_ca_expires, absl::InfiniteFuture());
}

}  // namespace
}  // namespace kchan::security
