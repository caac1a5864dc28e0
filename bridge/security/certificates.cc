// SPDX-License-Identifier: Apache-2.0
#include "bridge/security/certificates.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <ctime>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bridge/config/text_format.h"
#include "bridge/security/openssl_pointers.h"

namespace kchan::security {
namespace {

constexpr size_t kMaxFileBytes = 1 << 20;

// A key with a password is of no use to a daemon: never ask for one.
int NoPassword(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) { return -1; }

absl::Status Wrong(const char* what, const std::string& file, const std::string& why) {
  return absl::InvalidArgumentError(absl::StrCat(what, " ", file, ": ", why));
}

absl::StatusOr<std::vector<Certificate>> Parse(const std::string& pem, const char* what,
                                               const std::string& file) {
  const Bio bio = ReaderOf(pem);
  std::vector<Certificate> certificates;
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, NoPassword, nullptr)) {
    certificates.emplace_back(next);
  }
  const bool is_at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!is_at_end) {
    return Wrong(what, file,
                 absl::StrCat("certificate ", certificates.size() + 1, " in it is damaged"));
  }
  if (certificates.empty()) return Wrong(what, file, "holds no certificate in PEM");
  return certificates;
}

absl::StatusOr<absl::Time> ExpiryOf(const X509& certificate, const char* what,
                                    const std::string& file) {
  std::tm time{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &time) != 1) {
    return Wrong(what, file, "the certificate's end is no time");
  }
  return absl::FromTimeT(timegm(&time));
}

absl::Status CheckKey(const std::string& pem, X509& certificate, const TlsFiles& files) {
  const Bio bio = ReaderOf(pem);
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr));
  const bool fits = key != nullptr && X509_check_private_key(&certificate, key.get()) == 1;
  ERR_clear_error();
  if (key == nullptr) return Wrong("key", files.key_file, "holds no key in PEM without a password");
  if (fits) return absl::OkStatus();
  return Wrong("key", files.key_file,
               absl::StrCat("is not the key of the certificate in ", files.certificate_file));
}

absl::Status ReadClientCa(const std::string& file, Certificates& to) {
  constexpr char kWhat[] = "client CA";
  auto pem = config::ReadText(file, kWhat, kMaxFileBytes);
  if (!pem.ok()) return pem.status();
  const auto authorities = Parse(*pem, kWhat, file);
  if (!authorities.ok()) return authorities.status();
  absl::Time last = absl::InfinitePast();
  for (const Certificate& authority : *authorities) {
    const auto expires = ExpiryOf(*authority, kWhat, file);
    if (!expires.ok()) return expires.status();
    last = std::max(last, *expires);
  }
  to.client_ca = *std::move(pem);
  to.client_ca_expires = last;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Certificates> ReadCertificates(const TlsFiles& files) {
  constexpr char kWhat[] = "certificate";
  auto chain = config::ReadText(files.certificate_file, kWhat, kMaxFileBytes);
  if (!chain.ok()) return chain.status();
  auto key = config::ReadText(files.key_file, "key", kMaxFileBytes);
  if (!key.ok()) return key.status();
  const auto certificates = Parse(*chain, kWhat, files.certificate_file);
  if (!certificates.ok()) return certificates.status();
  X509& leaf = *certificates->front();
  if (absl::Status status = CheckKey(*key, leaf, files); !status.ok()) return status;
  Certificates to;
  to.expires = absl::InfiniteFuture();
  for (const Certificate& certificate : *certificates) {
    const auto expires = ExpiryOf(*certificate, kWhat, files.certificate_file);
    if (!expires.ok()) return expires.status();
    to.expires = std::min(to.expires, *expires);
  }
  to.chain = *std::move(chain);
  to.key = *std::move(key);
  if (files.client_ca_file.empty()) return to;
  if (absl::Status status = ReadClientCa(files.client_ca_file, to); !status.ok()) return status;
  return to;
}

}  // namespace kchan::security
