// SPDX-License-Identifier: Apache-2.0
#include "bridge/hub/type_cutter.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "bridge/hub/field_kind.h"

namespace kchan::hub {
namespace {

// As the kernel side's own bound of a record.
constexpr uint32_t kMaxFixedBytes = 64 << 10;
// Far more than a type has; the bound of what one record costs, and of memory.
constexpr size_t kMaxPieces = 4096;
constexpr uint32_t kLocBytes = 4;

FieldKind KindOf(const Field& field) { return static_cast<FieldKind>(field.kind); }

bool IsKnown(FieldKind kind) { return kind <= FieldKind::kBytesRest; }

// Finds the pieces that fields are made of.
class PieceFinder {
 public:
  explicit PieceFinder(TypeCut& cut) : cut_(cut) {}

  // Of fields in something of `level_bytes` that begins at `base`. False: they
  // cannot be cut out.
  bool Find(std::span<const Field> fields, size_t base, uint32_t level_bytes, bool is_record) {
    size_t end = 0;  // of the field before
    for (const Field& field : fields) {
      const size_t begin = field.offset;
      if (begin < end || begin > level_bytes || field.size_bytes > level_bytes - begin ||
          !IsKnown(KindOf(field))) {
        return false;
      }
      end = begin + field.size_bytes;
      if (!FindOf(field, base + begin, is_record && &field == &fields.back())) return false;
    }
    return true;
  }

 private:
  bool FindOf(const Field& field, size_t at, bool is_last) {
    const FieldKind kind = KindOf(field);
    if (IsRest(kind)) {
      cut_.rest = IsString(kind) ? TypeCut::Rest::kText : TypeCut::Rest::kBytes;
      cut_.rest_from = static_cast<uint32_t>(at);
      // What LOC fields point to may be part of these bytes, or not.
      return is_last && field.size_bytes == 0 && (IsString(kind) || cut_.locs.empty());
    }
    if (field.size_bytes == 0) return false;
    if (IsLoc(kind)) {
      if (field.size_bytes != kLocBytes) return false;
      cut_.locs.push_back(cut_.fixed_bytes);
    }
    if (kind != FieldKind::kStruct) {
      Add(at, field.size_bytes);
      return cut_.pieces.size() <= kMaxPieces && cut_.locs.size() <= kMaxPieces;
    }
    if (field.element_bytes == 0 || field.members.empty()) return false;
    if (field.size_bytes % field.element_bytes != 0) return false;
    for (size_t done = 0; done < field.size_bytes; done += field.element_bytes) {
      if (!Find(field.members, at + done, field.element_bytes, /*is_record=*/false)) return false;
    }
    return true;
  }

  void Add(size_t at, uint32_t bytes) {
    cut_.fixed_bytes += bytes;
    TypeCut::Piece* last = cut_.pieces.empty() ? nullptr : &cut_.pieces.back();
    if (last != nullptr && last->from + last->bytes == at) {
      last->bytes += bytes;
    } else {
      cut_.pieces.push_back({.from = static_cast<uint32_t>(at), .bytes = bytes});
    }
  }

  TypeCut& cut_;
};

// Returns how many bytes the fields then have.
uint32_t MoveTogether(std::vector<Field>& fields) {
  uint32_t bytes = 0;
  for (Field& field : fields) {
    field.offset = bytes;
    if (KindOf(field) == FieldKind::kStruct) {
      const uint32_t count = field.size_bytes / field.element_bytes;
      field.element_bytes = MoveTogether(field.members);
      field.size_bytes = count * field.element_bytes;
    }
    bytes += field.size_bytes;
  }
  return bytes;
}

}  // namespace

TypeCut CutType(RecordType& type, ByteOrder byte_order) {
  TypeCut cut{.type = type.id, .is_big_endian = byte_order == ByteOrder::kBig};
  if (type.size_bytes > kMaxFixedBytes ||
      !PieceFinder(cut).Find(type.fields, /*base=*/0, type.size_bytes, /*is_record=*/true)) {
    return {.type = type.id, .keeps_layout = true};
  }
  type.size_bytes = MoveTogether(type.fields);
  return cut;
}

}  // namespace kchan::hub
