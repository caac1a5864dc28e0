// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_CONFIG_PLACES_H_
#define KCHAN_BRIDGE_CONFIG_PLACES_H_

#include <string>
#include <string_view>

#include "google/protobuf/text_format.h"
#include "kchan/config/v1/config.pb.h"

namespace kchan::config {

// Where in a file of text format its fields are.
//
// Thread safety: none.
class Places {
 public:
  // `message`: of what the file holds.
  explicit Places(const google::protobuf::Descriptor* message = v1::Config::descriptor())
      : message_(message) {}

  // Filled in by the parser.
  google::protobuf::TextFormat::ParseInfoTree* tree() { return &tree_; }

  // "LINE:COLUMN" of a field that is named as Resolve() names them, as
  // "tcp_listeners[0].tls.key_file". Of one that is not in the file: that of the
  // nearest part around it that is. Empty: none is.
  std::string Of(std::string_view field) const;

 private:
  const google::protobuf::Descriptor* const message_;
  google::protobuf::TextFormat::ParseInfoTree tree_;
};

}  // namespace kchan::config

#endif  // KCHAN_BRIDGE_CONFIG_PLACES_H_
