// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/kmsg_payload.h"

#include <linux/kchan.h>

#include <cstddef>
#include <utility>
#include <vector>

#include "bridge/source/host_channel.h"
#include "bridge/source/host_schema.h"

namespace kchan::source {
namespace {

using hub::Field;
using hub::NamedValue;

std::vector<NamedValue> Levels(const char* of_zero) {
  return {{0, of_zero},   {1, "alert"},  {2, "crit"}, {3, "err"},
          {4, "warning"}, {5, "notice"}, {6, "info"}, {7, "debug"}};
}

std::vector<NamedValue> Facilities(const char* of_zero) {
  return {{0, of_zero},     {1, "user"},    {2, "mail"},    {3, "daemon"},  {4, "auth"},
          {5, "syslog"},    {6, "lpr"},     {7, "news"},    {8, "uucp"},    {9, "cron"},
          {10, "authpriv"}, {11, "ftp"},    {16, "local0"}, {17, "local1"}, {18, "local2"},
          {19, "local3"},   {20, "local4"}, {21, "local5"}, {22, "local6"}, {23, "local7"}};
}

Field Enum(Field field, std::vector<NamedValue> names) {
  field.display = KCHAN_DISPLAY_ENUM;
  field.names = std::move(names);
  return field;
}

Field Text(const char* name, size_t offset, const char* documentation) {
  return HostField(name, KCHAN_FIELD_STRING_LOC, offset, sizeof(uint32_t), documentation);
}

hub::RecordType RecordTypeOfKmsg() {
  hub::RecordType type;
  type.id = kKmsgRecordType;
  type.name = "record";
  type.documentation = "One record of the kernel log.";
  type.direction = hub::Direction::kToUser;
  type.size_bytes = sizeof(KmsgPayload);
  Field time = HostField("time", KCHAN_FIELD_U64, offsetof(KmsgPayload, time_us), 8,
                         "When it was printed, since boot, without the time it was suspended.");
  time.unit = "us";
  Field flags = HostField("flags", KCHAN_FIELD_U16, offsetof(KmsgPayload, flags), 2,
                          "Whether it goes on with a line that an earlier record began.");
  flags.display = KCHAN_DISPLAY_FLAGS;
  flags.names = {{kKmsgContinuation, "continuation"}};
  type.fields = {
      HostField("sequence", KCHAN_FIELD_U64, offsetof(KmsgPayload, sequence), 8,
                "The kernel's own number: the record's less one."),
      std::move(time),
      Enum(HostField("level", KCHAN_FIELD_U8, offsetof(KmsgPayload, level), 1, "How urgent it is."),
           Levels("emerg")),
      Enum(HostField("facility", KCHAN_FIELD_U8, offsetof(KmsgPayload, facility), 1,
                     "Who wrote it: all but kern are programs."),
           Facilities("kern")),
      std::move(flags),
      Text("caller", offsetof(KmsgPayload, caller),
           "The thread (T123) or the CPU (C1) that printed it, where the kernel tells."),
      Text("dictionary", offsetof(KmsgPayload, dictionary),
           "KEY=value lines: SUBSYSTEM and DEVICE of what a driver said."),
      Text("text", offsetof(KmsgPayload, text), "What was printed; may have several lines."),
  };
  return type;
}

hub::RecordType LineTypeOfKmsg() {
  hub::RecordType type;
  type.id = kKmsgLineType;
  type.name = "line";
  type.documentation = "A line to write into the kernel log; it appears as 'kchand: TEXT'.";
  type.direction = hub::Direction::kToKernel;
  type.size_bytes = sizeof(KmsgLine);
  type.fields = {
      Enum(HostField("level", KCHAN_FIELD_U8, offsetof(KmsgLine, level), 1,
                     "How urgent it is; by default info. emerg is the kernel's alone."),
           Levels("default")),
      Enum(HostField("facility", KCHAN_FIELD_U8, offsetof(KmsgLine, facility), 1,
                     "Whose it is; by default user. kern is the kernel's alone."),
           Facilities("default")),
      HostField("text", KCHAN_FIELD_STRING_REST, sizeof(KmsgLine), 0,
                "One line; control characters become '?'."),
  };
  return type;
}

}  // namespace

hub::Schema KmsgSchema() {
  hub::Schema schema;
  schema.byte_order = NativeByteOrder();
  schema.types = {RecordTypeOfKmsg(), LineTypeOfKmsg()};
  return schema;
}

}  // namespace kchan::source
