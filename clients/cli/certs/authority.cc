// SPDX-License-Identifier: Apache-2.0
#include "authority.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "bridge/security/openssl_pointers.h"

namespace kchan::cli {
namespace {

using security::Bio;
using security::Certificate;
using security::Extension;
using security::Key;
using security::Number;

// Clocks differ.
constexpr long kBackdateSeconds = 300;
constexpr int kSerialBits = 127;

absl::Status OpenSslFailed(const char* what) {
  char text[256];
  ERR_error_string_n(ERR_get_error(), text, sizeof(text));
  ERR_clear_error();
  return absl::InternalError(absl::StrCat(what, ": ", text));
}

// What OpenSSL's syntax of extensions gives no other meaning.
bool IsPlain(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string_view(".:/_@-+*").find(c) != std::string_view::npos;
  });
}

std::string Text(BIO& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(&bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

// In the place of another file at once, so that nobody reads half of it.
absl::Status WriteFile(const std::string& path, const std::string& text, mode_t mode) {
  const std::string temporary = path + ".new";
  unlink(temporary.c_str());
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return absl::ErrnoToStatus(errno, temporary);
  const bool is_written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const bool is_closed = close(fd) == 0;
  if (!is_written || !is_closed || rename(temporary.c_str(), path.c_str()) != 0) {
    return absl::ErrnoToStatus(errno, path);
  }
  return absl::OkStatus();
}

absl::Status AddExtension(X509& to, X509& issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &issuer, &to, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  if (extension == nullptr || X509_add_ext(&to, extension.get(), -1) != 1) {
    return OpenSslFailed(value.c_str());
  }
  return absl::OkStatus();
}

// All but its extensions and its signature.
absl::StatusOr<Certificate> Begin(const std::string& common_name, EVP_PKEY& key, X509* issuer,
                                  int days) {
  Certificate certificate(X509_new());
  const Number serial(BN_new());
  X509_NAME* name = X509_get_subject_name(certificate.get());
  const bool is_made =
      BN_rand(serial.get(), kSerialBits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
      BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate.get())) != nullptr &&
      X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
      X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kBackdateSeconds) != nullptr &&
      X509_time_adj_ex(X509_getm_notAfter(certificate.get()), days, 0, nullptr) != nullptr &&
      X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(common_name.data()),
                                 static_cast<int>(common_name.size()), -1, 0) == 1 &&
      X509_set_issuer_name(certificate.get(),
                           issuer == nullptr ? name : X509_get_subject_name(issuer)) == 1 &&
      X509_set_pubkey(certificate.get(), &key) == 1;
  if (!is_made) return OpenSslFailed("certificate");
  return certificate;
}

// Signs it, and writes it and its key.
absl::Status Finish(X509& certificate, EVP_PKEY& signer, EVP_PKEY& key, const std::string& base) {
  if (X509_sign(&certificate, &signer, EVP_sha256()) == 0) return OpenSslFailed("signing");
  const Bio key_text(BIO_new(BIO_s_mem()));
  const Bio text(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PrivateKey(key_text.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
      PEM_write_bio_X509(text.get(), &certificate) != 1) {
    return OpenSslFailed("writing");
  }
  absl::Status status = WriteFile(base + ".key", Text(*key_text), 0600);
  if (status.ok()) status = WriteFile(base + ".pem", Text(*text), 0644);
  return status;
}

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

struct Authority::Parts {
  std::string folder;
  Certificate certificate;
  Key key;
};

Authority::Authority(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Authority::Authority(Authority&& other) noexcept = default;
Authority::~Authority() = default;

absl::StatusOr<Authority> Authority::Make(const std::string& folder, int days) {
  if (mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
    return absl::ErrnoToStatus(errno, folder);
  }
  const std::string base = folder + "/ca";
  if (access((base + ".key").c_str(), F_OK) == 0) {
    return absl::AlreadyExistsError(absl::StrCat(
        base, ".key is there already, and other certificates rest on it: choose another folder"));
  }
  Key key(EVP_EC_gen("P-256"));
  if (key == nullptr) return OpenSslFailed("key");
  auto certificate = Begin("kchan test authority", *key, nullptr, days);
  if (!certificate.ok()) return certificate.status();
  X509& ca = **certificate;
  absl::Status status = AddExtension(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  status.Update(AddExtension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign"));
  status.Update(AddExtension(ca, ca, NID_subject_key_identifier, "hash"));
  if (status.ok()) status = Finish(ca, *key, *key, base);
  if (!status.ok()) return status;
  return Authority(std::make_unique<Parts>(
      Parts{.folder = folder, .certificate = *std::move(certificate), .key = std::move(key)}));
}

absl::StatusOr<Authority> Authority::Open(const std::string& folder) {
  const std::string base = folder + "/ca";
  const std::string text = Read(base + ".pem");
  const std::string key_text = Read(base + ".key");
  const Bio bio = security::ReaderOf(text);
  const Bio key_bio = security::ReaderOf(key_text);
  Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  Key key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (certificate == nullptr || key == nullptr) {
    return absl::NotFoundError(absl::StrCat("there is no authority in ", folder,
                                            " (ca.pem and ca.key): kchan certs init ", folder,
                                            " makes one"));
  }
  return Authority(std::make_unique<Parts>(
      Parts{.folder = folder, .certificate = std::move(certificate), .key = std::move(key)}));
}

absl::Status Authority::Issue(const std::string& name, const Subject& subject, int days) const {
  for (const std::string& alternative : subject.alternative_names) {
    if (!IsPlain(alternative)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", alternative, "' has characters that no name of a certificate has here"));
    }
  }
  X509& ca = *parts_->certificate;
  const Key key(EVP_EC_gen("P-256"));
  if (key == nullptr) return OpenSslFailed("key");
  const auto certificate = Begin(subject.common_name, *key, &ca, days);
  if (!certificate.ok()) return certificate.status();
  X509& to = **certificate;
  absl::Status status = AddExtension(to, ca, NID_basic_constraints, "critical,CA:FALSE");
  status.Update(AddExtension(to, ca, NID_key_usage, "critical,digitalSignature"));
  status.Update(
      AddExtension(to, ca, NID_ext_key_usage, subject.is_server ? "serverAuth" : "clientAuth"));
  status.Update(AddExtension(to, ca, NID_authority_key_identifier, "keyid"));
  if (!subject.alternative_names.empty()) {
    status.Update(
        AddExtension(to, ca, NID_subject_alt_name, absl::StrJoin(subject.alternative_names, ",")));
  }
  if (!status.ok()) return status;
  return Finish(to, *parts_->key, *key, absl::StrCat(parts_->folder, "/", name));
}

}  // namespace kchan::cli
