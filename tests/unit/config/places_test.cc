// SPDX-License-Identifier: Apache-2.0
#include "bridge/config/places.h"

#include "bridge/config/parse.h"
#include "gtest/gtest.h"

namespace kchan::config {
namespace {

constexpr char kText[] =
    "node_name: \"a\"\n"                                 // 1
    "memory { log_bytes: 5 }\n"                          // 2
    "channels { glob: \"a\" }\n"                         // 3
    "channels {\n"                                       // 4
    "  open: 7\n"                                        // 5
    "}\n"                                                // 6
    "tcp_listeners { tls {\n"                            // 7
    "    key_file: \"k\"\n"                              // 8
    "} }\n"                                              // 9
    "classic_netlink_protocols: [\"a\",\n  \"route\"]";  // 10, 11

std::string PlaceOf(std::string_view field) {
  Places places;
  EXPECT_TRUE(ParseText(kText, "test", &places).ok());
  return places.Of(field);
}

TEST(PlacesTest, FieldIsWhereItsNameStands) {
  EXPECT_EQ(PlaceOf("node_name"), "1:1");
  EXPECT_EQ(PlaceOf("memory.log_bytes"), "2:10");
  EXPECT_EQ(PlaceOf("channels[0].glob"), "3:12");
  EXPECT_EQ(PlaceOf("channels[1].open"), "5:3");
  EXPECT_EQ(PlaceOf("tcp_listeners[0].tls.key_file"), "8:5");
}

TEST(PlacesTest, FieldThatIsNotThereIsWhereItBelongs) {
  EXPECT_EQ(PlaceOf("channels[1].glob"), "4:1");
  EXPECT_EQ(PlaceOf("tcp_listeners[0].tls.certificate_file"), "7:17");
  EXPECT_EQ(PlaceOf("memory.max_log_bytes"), "2:1");
  EXPECT_EQ(PlaceOf("limits.max_channels"), "");
}

TEST(PlacesTest, ListIsWhereItBegins) { EXPECT_EQ(PlaceOf("channels"), "3:1"); }

TEST(PlacesTest, NameThatIsNoFieldHasNoPlace) {
  for (const char* field : {"", "nonsense", "channels[9].glob", "channels[", "channels[x].glob",
                            "node_name.more", ".", "channels[-1]x"}) {
    const std::string place = PlaceOf(field);
    EXPECT_TRUE(place.empty() || place == "1:1" || place == "3:1") << field << " " << place;
  }
}

}  // namespace
}  // namespace kchan::config
