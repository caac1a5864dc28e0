// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CPP_SRC_ESCAPE_H_
#define KCHAN_CLIENTS_CPP_SRC_ESCAPE_H_

#include <string>
#include <string_view>

namespace kchan {

// One character of UTF-8 text.
struct Utf8Character {
  std::string_view bytes;  // never empty; one byte if not valid
  bool valid = false;      // UTF-8 as of RFC 3629: no surrogates, shortest form
  bool printable = false;  // no control character, C0, DEL or C1
};

// The first character of `text`, which is not empty.
Utf8Character FirstCharacter(std::string_view text);

// `text` as one word on a terminal: as it is if that cannot be mistaken,
// otherwise in double quotes with \" \\ \n \r \t and \xNN.
void AppendQuotedText(std::string_view text, std::string* out);

}  // namespace kchan

#endif  // KCHAN_CLIENTS_CPP_SRC_ESCAPE_H_
