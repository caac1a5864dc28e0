// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_BRIDGE_HUB_MASK_PROGRAM_H_
#define KCHAN_BRIDGE_HUB_MASK_PROGRAM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bridge/hub/record_form.h"

namespace kchan::hub {

// How the payloads of one record type are cut down: pieces of the fixed part, one
// behind the other, then what of variable length is left.
struct TypeCut {
  struct Piece {
    uint32_t from = 0;
    uint32_t bytes = 0;
  };
  enum class Rest : uint8_t { kNone, kText, kBytes };  // kText: up to the first NUL

  uint32_t type = 0;
  bool keeps_layout = false;        // payloads stay as they are
  std::vector<Piece> pieces = {};   // in order
  uint32_t fixed_bytes = 0;         // of all pieces
  std::vector<uint32_t> locs = {};  // where in the cut payload there are LOC fields
  Rest rest = Rest::kNone;
  uint32_t rest_from = 0;
  bool is_big_endian = false;
};

// A field mask, compiled for one schema. Reads nothing outside a payload, whatever
// it holds, and makes none that is longer but for a NUL and for what LOC fields
// have in the fixed part.
//
// Thread safety: immutable.
class MaskProgram {
 public:
  // `cuts` in order of type. Payloads of other types stay as they are.
  explicit MaskProgram(std::vector<TypeCut> cuts) : cuts_(std::move(cuts)) {}

  // Null if payloads of this type stay as they are.
  const TypeCut* CutOf(uint32_t type) const;

 private:
  const std::vector<TypeCut> cuts_;
};

// Gives payloads of the fields that a mask leaves.
class MaskedForm final : public RecordForm {
 public:
  explicit MaskedForm(std::shared_ptr<const MaskProgram> program) : program_(std::move(program)) {}

  GivenPayload Of(uint32_t type, std::string_view payload) override;

 private:
  struct Range {
    size_t begin = 0;
    size_t end = 0;
    size_t moved_to = 0;
  };

  bool CopyPieces(const TypeCut& cut, std::string_view payload);
  void CopyRest(const TypeCut& cut, std::string_view payload);
  void CopyLocs(const TypeCut& cut, std::string_view payload);
  void FindRanges(const TypeCut& cut, std::string_view payload);

  const std::shared_ptr<const MaskProgram> program_;
  std::string cut_;            // what is given
  std::vector<Range> ranges_;  // of the payload at hand, that LOC fields point to
};

}  // namespace kchan::hub

#endif  // KCHAN_BRIDGE_HUB_MASK_PROGRAM_H_
