// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_SECURITY_OPENSSL_POINTERS_H_
#define KCHAN_BRIDGE_SECURITY_OPENSSL_POINTERS_H_

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

// OpenSSL's things, owned.
namespace kchan::security {

template <auto Free>
struct Freeing {
  template <typename T>
  void operator()(T* thing) const {
    Free(thing);
  }
};

using Bio = std::unique_ptr<BIO, Freeing<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freeing<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freeing<X509_EXTENSION_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freeing<EVP_PKEY_free>>;
using Number = std::unique_ptr<BIGNUM, Freeing<BN_free>>;

// Reads `text`, which outlives it.
inline Bio ReaderOf(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace kchan::security

#endif  // KCHAN_BRIDGE_SECURITY_OPENSSL_POINTERS_H_
