// SPDX-License-Identifier: Apache-2.0
#include "bridge/spool/schema_file.h"

#include <cerrno>
#include <utility>

#include "bridge/spool/bytes.h"
#include "bridge/spool/format.h"
#include "bridge/spool/segment_name.h"
#include "bridge/text/concat.h"

namespace kchan::spool {
namespace {

constexpr uint64_t kMagic = 0x4d48435348434b00;  // "\0KCHSCHM"
constexpr uint32_t kVersion = 1;
constexpr size_t kMaxBytes = 4 << 20;
constexpr size_t kCrcBytes = sizeof(uint32_t);
constexpr int kMaxDepth = 8;  // of structures in structures

void Put(ByteWriter& writer, const hub::Field& field) {
  writer.Text(field.name);
  writer.Number(field.kind);
  writer.Number(field.display);
  writer.Number(field.offset);
  writer.Number(field.size_bytes);
  writer.Text(field.unit);
  writer.Text(field.documentation);
  writer.Number(field.element_bytes);
  writer.Number(uint8_t{field.writable});
  writer.Number(static_cast<uint32_t>(field.names.size()));
  for (const hub::NamedValue& named : field.names) {
    writer.Number(named.value);
    writer.Text(named.name);
  }
  writer.Number(static_cast<uint32_t>(field.members.size()));
  for (const hub::Field& member : field.members) Put(writer, member);
}

// Each element takes more than one byte: a count that the rest cannot hold is a
// lie, and is not made room for.
size_t TakeCount(ByteReader& reader) {
  const size_t count = reader.Number<uint32_t>();
  return count <= reader.left() ? count : 0;
}

hub::Field TakeField(ByteReader& reader, int depth) {
  hub::Field field;
  field.name = reader.Text();
  field.kind = reader.Number<uint32_t>();
  field.display = reader.Number<uint32_t>();
  field.offset = reader.Number<uint32_t>();
  field.size_bytes = reader.Number<uint32_t>();
  field.unit = reader.Text();
  field.documentation = reader.Text();
  field.element_bytes = reader.Number<uint32_t>();
  field.writable = reader.Number<uint8_t>() != 0;
  for (size_t left = TakeCount(reader); left > 0 && reader.ok(); --left) {
    const uint64_t value = reader.Number<uint64_t>();
    field.names.push_back({.value = value, .name = reader.Text()});
  }
  for (size_t left = TakeCount(reader); left > 0 && reader.ok() && depth < kMaxDepth; --left) {
    field.members.push_back(TakeField(reader, depth + 1));
  }
  return field;
}

hub::RecordType TakeType(ByteReader& reader) {
  hub::RecordType type;
  type.id = reader.Number<uint32_t>();
  type.name = reader.Text();
  type.documentation = reader.Text();
  type.direction = static_cast<hub::Direction>(reader.Number<uint8_t>());
  type.size_bytes = reader.Number<uint32_t>();
  for (size_t left = TakeCount(reader); left > 0 && reader.ok(); --left) {
    type.fields.push_back(TakeField(reader, 0));
  }
  return type;
}

}  // namespace

std::vector<std::byte> EncodeSchema(const hub::Schema& schema) {
  ByteWriter writer;
  writer.Number(kMagic);
  writer.Number(kVersion);
  writer.Number(schema.id);
  writer.Number(static_cast<uint8_t>(schema.byte_order));
  writer.Number(static_cast<uint32_t>(schema.types.size()));
  for (const hub::RecordType& type : schema.types) {
    writer.Number(type.id);
    writer.Text(type.name);
    writer.Text(type.documentation);
    writer.Number(static_cast<uint8_t>(type.direction));
    writer.Number(type.size_bytes);
    writer.Number(static_cast<uint32_t>(type.fields.size()));
    for (const hub::Field& field : type.fields) Put(writer, field);
  }
  writer.Number(Crc32(writer.bytes()));
  return std::move(writer.bytes());
}

std::optional<hub::Schema> DecodeSchema(std::span<const std::byte> bytes) {
  if (bytes.size() < kCrcBytes) return std::nullopt;
  const auto covered = bytes.first(bytes.size() - kCrcBytes);
  if (Fetch<uint32_t>(covered.data() + covered.size()) != Crc32(covered)) return std::nullopt;
  ByteReader reader(covered);
  if (reader.Number<uint64_t>() != kMagic || reader.Number<uint32_t>() != kVersion) {
    return std::nullopt;
  }
  hub::Schema schema;
  schema.id = reader.Number<uint64_t>();
  schema.byte_order = static_cast<hub::ByteOrder>(reader.Number<uint8_t>());
  for (size_t left = TakeCount(reader); left > 0 && reader.ok(); --left) {
    schema.types.push_back(TakeType(reader));
  }
  if (!reader.ok() || reader.left() != 0 || hub::SchemaId(schema) != schema.id) return std::nullopt;
  return schema;
}

int StoreSchema(Files& files, const std::string& folder, const hub::Schema& schema, bool sync) {
  if (LoadSchema(files, folder, schema.id) != nullptr) return 0;
  const std::string path = text::Concat(folder, "/", SchemaName(schema.id));
  const std::string unfinished = path + ".new";
  (void)files.Remove(unfinished);  // of one that crashed here
  const int fd = files.Create(unfinished);
  if (fd < 0) return fd;
  const OpenFile file(files, fd);
  std::vector<std::byte> bytes = EncodeSchema(schema);
  const iovec part{.iov_base = bytes.data(), .iov_len = bytes.size()};
  int error = files.Write(fd, std::span(&part, 1), 0);
  // Also where records are not synced: an empty file under the right name is no
  // schema, and the rename may reach the disk before the bytes.
  if (error == 0) error = files.Sync(fd);
  if (error == 0) error = files.Rename(unfinished, path);
  if (error == 0 && sync) error = files.SyncFolder(folder);
  if (error < 0) (void)files.Remove(unfinished);
  return error;
}

std::shared_ptr<const hub::Schema> LoadSchema(Files& files, const std::string& folder,
                                              uint64_t schema_id) {
  const int fd = files.Open(text::Concat(folder, "/", SchemaName(schema_id)));
  if (fd < 0) return nullptr;
  const OpenFile file(files, fd);
  const int64_t size = files.Size(fd);
  if (size <= 0 || size > static_cast<int64_t>(kMaxBytes)) return nullptr;
  std::vector<std::byte> bytes(static_cast<size_t>(size));
  if (files.Read(fd, bytes, 0) != size) return nullptr;
  std::optional<hub::Schema> schema = DecodeSchema(bytes);
  if (!schema || schema->id != schema_id) return nullptr;
  return std::make_shared<const hub::Schema>(*std::move(schema));
}

}  // namespace kchan::spool
